// @long
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { databaseFiles, fileOnly } from './at-rest/index.ts';
import { authorityFolder, makeRequest, openAuthority, type Standing } from './authority/index.ts';
import { type Keys, openKeys, openSealed, sealValue } from './keys/index.ts';
import { keysCommand } from './keys-command.ts';
import { queueFolder, Spool, type Waiting } from './mail/spool.ts';
import { factorContext } from './people/index.ts';
import { Store, step, takeFolder } from './store/index.ts';
import { longestTokenMilliseconds } from './tokens/index.ts';

const now = () => Date.UTC(2026, 10, 22);
const options = { now, longestTokenMilliseconds };
const dataKey = 'a5'.repeat(32);

interface Kept {
  readonly folder: string;
  readonly store: () => Promise<Store>;
  readonly keys: () => Promise<Keys>;
}

const test = suite<Kept>('keys on the command line');

/** A state folder in which Ann has a second factor, Bo has been offered one, a mail waits, and a request of its authority. */
async function makeState(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'loadline-keys-command-'));
  const { database: file, key } = databaseFiles(folder);
  writeFileSync(key, `${dataKey}\n`, { mode: 0o600 });
  const keys = await openKeys(folder, { ...options, isNew: true });
  const open = await Store.open({ file, key: dataKey }, assert.unreachable);
  for (const [id, secret] of [
    ['ann', 'ANNSECRET'],
    ['bo', 'BOSECRET'],
  ] as const) {
    const person = { id, email: `${id}@example.org`, name: id, created: now() };
    const sealed = await sealValue(keys, factorContext(id), secret);
    const steps = [
      step('addPerson', { ...person, passwordHash: null, operator: 0 }),
      step('offerFactor', { person: id, sealed }, 'some'),
      ...(id === 'ann' ? [step('enableFactor', { person: id, offered: sealed, step: 1 }, 'some')] : []),
    ];
    await open.change({ steps, audit: [] });
  }
  await open.close();
  const spool = await Spool.open(queueFolder(folder), keys);
  const mail = { kind: 'account-erased', at: now(), to: { address: 'ann@example.org' } } as const;
  await spool.keep({ id: 'one', mail, at: now(), giveUpAt: now() + 1 });
  const authority = { folder: authorityFolder(folder), keys, now };
  await openAuthority({ ...authority, log: () => undefined });
  await makeRequest(authority);
  return folder;
}

let made: string;
test.before(async () => {
  made = await makeState();
});
test.after(() => rmSync(made, { recursive: true }));
test.before.each((context) => {
  const folder = mkdtempSync(join(tmpdir(), 'loadline-keys-command-'));
  cpSync(made, folder, { recursive: true });
  Object.assign(context, {
    folder,
    store: () => Store.open({ file: databaseFiles(folder).database, key: dataKey }, assert.unreachable),
    keys: () => openKeys(folder, { ...options, isNew: false }),
  });
});
test.after.each(({ folder }) => rmSync(folder, { recursive: true }));

async function run({ folder }: Kept, ...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' };
  const to = (name: 'out' | 'err') => ({
    write: (text: string) => {
      said[name] += text;
    },
  });
  const [verb = '', ...rest] = args;
  const io = { out: to('out'), err: to('err'), now, sources: fileOnly };
  return { code: await keysCommand([verb, '--state', folder, ...rest], io), ...said };
}

const fileOf = ({ folder }: Kept) => readFileSync(join(folder, 'keys.json'), 'utf8');

/** What the second factors and the waiting mail say, opened with the keys of now. */
async function contents(kept: Kept): Promise<{ secrets: string[]; waiting: Waiting[]; authority: Standing }> {
  const [keys, store] = [await kept.keys(), await kept.store()];
  const secrets: string[] = [];
  for (const { person, secret, offered } of await store.read('sealedFactors', {})) {
    secrets.push(await openSealed(keys, factorContext(person), secret ?? offered ?? ''));
  }
  await store.close();
  const { waiting } = await (await Spool.open(queueFolder(kept.folder), keys)).load();
  const folder = authorityFolder(kept.folder);
  const authority = await openAuthority({
    folder,
    keys,
    now,
    log: () => assert.unreachable('it is another one'),
  });
  // What waits opens, too.
  const { isNew } = await makeRequest({ folder, keys, now });
  assert.is(isNew, false);
  return { secrets, waiting, authority: authority.standing() };
}

test('lists the versions, and no key', async (kept) => {
  const { code, out } = await run(kept, 'list');
  assert.is(code, 0);
  const { rings } = JSON.parse(fileOf(kept)) as { rings: Record<string, { id: string; key: string }[]> };
  for (const [ring, [version]] of Object.entries(rings)) {
    assert.match(out, `${ring}: ${version?.id} of 2026-11-22`);
    assert.not.match(out, version?.key ?? '');
  }
});

test('replaces what values are sealed with, and every one of them opens still', async (kept) => {
  const [before] = (await kept.keys()).ids('seal');
  const { authority: standing } = await contents(kept);
  const { code, err } = await run(kept, 'replace', '--ring', 'seal');
  assert.equal({ code, err }, { code: 0, err: '' });
  const after = (await kept.keys()).ids('seal');
  assert.is(after.length, 1);
  assert.is.not(after[0], before);
  assert.not.match(fileOf(kept), before ?? '');
  const { secrets, waiting, authority } = await contents(kept);
  assert.equal(authority, standing);
  assert.equal(secrets, ['ANNSECRET', 'BOSECRET']);
  assert.equal(
    waiting.map(({ id }) => id),
    ['one'],
  );
});

test('takes up a replacement that was broken off', async (kept) => {
  // Rotated, and nothing sealed anew: as after a power cut.
  await (await kept.keys()).rotate('seal');
  assert.is((await run(kept, 'replace', '--ring', 'seal')).code, 0);
  assert.is((await kept.keys()).ids('seal').length, 1);
  assert.equal((await contents(kept)).secrets, ['ANNSECRET', 'BOSECRET']);
});

test('rotates without forgetting, replaces with', async (kept) => {
  const before = (await kept.keys()).ids('derive');
  assert.is((await run(kept, 'rotate', '--ring', 'derive')).code, 0);
  assert.equal((await kept.keys()).ids('derive').slice(0, 1), before);
  assert.is((await kept.keys()).ids('derive').length, 2);
  assert.is((await run(kept, 'replace', '--ring', 'derive', '--ring', 'token')).code, 0);
  const keys = await kept.keys();
  assert.is(keys.ids('derive').length, 1);
  assert.is(keys.ids('token').length, 1);
  assert.not.ok(keys.ids('derive').includes(before[0] ?? ''));
});

test('says so in the audit log of the fleet', async (kept) => {
  await run(kept, 'replace', '--ring', 'token');
  const store = await kept.store();
  const { entries } = await store.read('audit', {
    ...{ organisation: null, limit: 10, before: undefined, from: undefined, to: undefined },
    ...{ actor: undefined, target: undefined, action: undefined, outcome: undefined },
  });
  await store.close();
  assert.equal(
    entries.map(({ action, channel, target, after }) => ({ action, channel, target, after })),
    [
      {
        action: 'keys.replace',
        channel: 'command-line',
        target: { kind: 'ring', id: 'token' },
        after: { forgotten: 1 },
      },
    ],
  );
});

test('changes nothing under a cloud that runs, nor where there is none', async (kept) => {
  const before = fileOf(kept);
  const leave = takeFolder(kept.folder);
  const refused = await run(kept, 'replace', '--ring', 'seal');
  leave();
  assert.is(refused.code, 2);
  assert.match(refused.err, 'is in use by another cloud');
  assert.is(fileOf(kept), before);
  const nowhere = await run({ ...kept, folder: join(kept.folder, 'none') }, 'list');
  assert.is(nowhere.code, 2);
  assert.match(nowhere.err, 'is not the state folder of a cloud');
});

test('says what it was called wrongly with', async (kept) => {
  for (const args of [['burn'], ['replace'], ['replace', '--ring', 'gold']]) {
    const { code, err } = await run(kept, ...args);
    assert.is(code, 2);
    assert.match(err, /no such|is missing/);
  }
});

test.run();
