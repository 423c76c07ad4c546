import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { origin, verifyExport, type Witness, witnessEvent } from '@loadline/sdk/audit';
import { jsonLog } from '@loadline/sdk/platform';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { databaseFiles, fileOnly } from '../at-rest/index.ts';
import { type AuditDraft, Store, step } from '../store/index.ts';
import { AuditKeeper } from './keeper.ts';
import { exportStored, verifyStored } from './stored.ts';
import { auditCommand } from './verify-command.ts';

const day = 24 * 3_600_000;
const folders: string[] = [];

test.after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

function draft(organisation: AuditDraft['organisation'], at: number): AuditDraft {
  return {
    organisation,
    at,
    actor: { kind: 'user', id: 'ann' },
    channel: 'https',
    action: 'session.create',
    target: null,
    outcome: 'done',
    code: null,
    before: null,
    after: { at: new Date(at).toISOString() },
    personal: { of: ['ann'], data: { address: '192.0.2.7' } },
  };
}

/** A store with an organisation, and entries of one a day in its chain: those of `days`. */
async function withStore(
  days: number,
  use: (store: Store, folder: string, close: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'loadline-audit-'));
  folders.push(folder);
  const files = databaseFiles(folder);
  writeFileSync(files.key, `${'a5'.repeat(32)}\n`);
  const store = await Store.open({ file: files.database, key: 'a5'.repeat(32) }, assert.unreachable);
  let open = true;
  const close = async () => {
    if (open) await store.close();
    open = false;
  };
  try {
    await store.change({
      steps: [step('createOrganisation', { id: 'first', name: 'First', created: 0 })],
      audit: Array.from({ length: days }, (_, index) => draft('first', index * day)),
    });
    await use(store, folder, close);
  } finally {
    await close();
  }
}

/** A log, and the lines written to it. */
function logged() {
  const lines: string[] = [];
  return { lines, log: jsonLog((line) => lines.push(line), Date.now) };
}

/** Runs the command; what it wrote and its code. */
async function command(...args: string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const code = await auditCommand(args, {
    out: { write: (text) => void out.push(text) },
    err: { write: (text) => void err.push(text) },
    sources: fileOnly,
  });
  return { code, out: out.join(''), err: err.join('') };
}

async function exported(store: Store, organisation: string | null): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of exportStored(store, organisation)) lines.push(line.slice(0, -1));
  return lines;
}

test('a chain of many pieces verifies in the store, and as what is exported of it', async () => {
  await withStore(2500, async (store) => {
    await store.change({ steps: [step('eraseAuditPersonal', { user: 'nobody' })], audit: [draft(null, 1)] });
    const { head, verdict } = await verifyStored(store, 'first');
    assert.equal(verdict, { whole: true, entries: 2500, erased: 0 });
    const lines = await exported(store, 'first');
    const result = await verifyExport(lines, [{ organisation: 'first', ...head }]);
    assert.is(result.kind === 'chain' && result.span.head.hash, head.hash);
    assert.equal(result.kind === 'chain' && result.verdict, verdict);
    assert.is((await exported(store, null)).length, 2);
    assert.equal(await verifyExport(await exported(store, 'nobody')), {
      kind: 'chain',
      span: { organisation: 'nobody', base: origin, head: origin },
      verdict: { whole: true, entries: 0, erased: 0 },
    });
  });
});

test('what is to be audited and carries a secret is an error of who asked for it, and nothing is written', async () => {
  await withStore(1, async (store) => {
    const after = { newPassword: 'x' };
    let message = '';
    try {
      await store.change({
        steps: [step('createOrganisation', { id: 'second', name: 'Second', created: 0 }, 'some')],
        audit: [{ ...draft('first', 1), after }],
      });
    } catch (error) {
      message = (error as Error).message;
    }
    assert.match(message, /after\.newPassword: secrets stay out/);
    const again = step('createOrganisation', { id: 'second', name: 'Second', created: 0 }, 'some');
    assert.equal(await store.change({ steps: [again], audit: [] }), { done: true, rows: [1] });
  });
});

test('entries are kept as many days as their organisation says, and what is left verifies', async () => {
  await withStore(1600, async (store) => {
    const { log, lines } = logged();
    const keeper = new AuditKeeper({ store, log, now: () => 1600 * day });
    await keeper.removeOld();
    await keeper.close();
    const chain = await store.read('auditChain', { organisation: 'first' });
    assert.is(chain?.days, 730);
    assert.is(chain?.base.sequence, 1600 - 730);
    const removed = lines.find((line) => line.includes('audit-removed'));
    assert.match(removed ?? '', new RegExp(`"through":${1600 - 730},"hash":"${chain?.base.hash}"`));
    assert.equal((await verifyStored(store, 'first')).verdict, { whole: true, entries: 730, erased: 0 });
  });
});

test('each day and at the end the heads are told, and the command finds by them what was cut off', async () => {
  await withStore(5, async (store, folder, close) => {
    const { log, lines } = logged();
    const keeper = new AuditKeeper({ store, log, now: () => 5 * day });
    await keeper.witness('all');
    await store.change({ steps: [], audit: [draft('first', 5 * day), draft(null, 5 * day)] });
    await keeper.close();
    const heads = lines.map((line): Witness & { event: string } => JSON.parse(line));
    assert.ok(heads.every(({ event }) => event === witnessEvent));
    assert.equal(
      heads.slice(-2).map(({ organisation, sequence }) => [organisation, sequence]),
      [
        [null, 1],
        ['first', 6],
      ],
    );
    const file = join(folder, 'cloud.log');
    writeFileSync(file, lines.join(''));
    const whole = await command('verify', '--state', folder, '--log', file);
    assert.is(whole.code, 0, whole.err);
    assert.match(whole.out, /the fleet: whole, 1 entries, head 1 [0-9a-f]{64}\norganisation first: whole, 6/);

    const later = { organisation: 'first', sequence: 7, hash: 'ab'.repeat(32) };
    const gone = { organisation: 'gone', sequence: 1, hash: 'ab'.repeat(32) };
    const anew = { organisation: null, sequence: 1, hash: 'ab'.repeat(32) };
    const said = [later, gone, anew].map((head) => `${JSON.stringify({ event: witnessEvent, ...head })}\n`);
    writeFileSync(file, said.join(''));
    await close();
    const found = await command('verify', '--state', folder, '--log', file, '--json');
    assert.is(found.code, 1);
    assert.equal(
      found.out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
        .map(({ organisation, whole: isWhole, sequence, why }) => [organisation, isWhole, sequence, why]),
      [
        [null, false, 1, 'rewritten'],
        ['first', false, 7, 'cut-off'],
        ['gone', false, 1, 'cut-off'],
      ],
    );
    const one = await command('verify', '--state', folder, '--organisation', 'first');
    assert.equal([one.code, one.out.split('\n').length], [0, 2]);
    const fleet = await command('verify', '--state', folder, '--organisation', '');
    assert.match(fleet.out, /^the fleet: whole/);
  });
});

test('the command ends with 2 where nothing can be verified, and says why', async () => {
  const nowhere = join(tmpdir(), 'loadline-audit-nowhere');
  for (const [args, why] of [
    [['verify'], /--state is missing/],
    [['verify', '--state', nowhere], /nowhere/],
    [['verify', '--state', nowhere, '--log', nowhere], /there is no such file/],
    [['burn'], /no such command/],
    [['verify', '--fast'], /--fast/],
  ] as const) {
    const { code, err } = await command(...args);
    assert.is(code, 2);
    assert.match(err, why);
  }
  assert.is((await command('verify', '--help')).code, 0);
});

test.run();
