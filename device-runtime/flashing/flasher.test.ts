// @long
// A release from the line: believed by its signatures and nothing else, gone on with, confirmed or gone back from.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { FlashReply } from '@loadline/sdk/flashing';
import type { ReleaseTarget } from '@loadline/sdk/release';
import { LinkError } from '@loadline/sdk/serial-link';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { install, type Layout, layoutOf, startTrial } from '../slots/index.ts';
import { layOut, type TestRelease, testRelease, testRepository } from '../update/test-releases.ts';
import { Flasher } from './flasher.ts';
import type { Ask } from './line-source.ts';

const test = suite('a release from the line');
const target = `linux-${process.arch}` as ReleaseTarget;
const log = { info: () => {}, warn: () => {}, error: () => {} };

let folder: string;
let layout: Layout;
let roots: Record<string, string>;
let repository: ReturnType<typeof testRepository>;
/** What was asked for over the line. */
let asked: { kind: string; name: string; from: number }[];
let switched: number;
let held: (string | undefined)[];
let isProvisioned: boolean;

test.before.each(async () => {
  folder = mkdtempSync(join(tmpdir(), 'loadline-flasher-'));
  roots = {
    LOADLINE_PREFIX: join(folder, 'opt'),
    LOADLINE_STORE: join(folder, 'store'),
    LOADLINE_STATE: join(folder, 'state'),
  };
  layout = layoutOf(roots);
  repository = testRepository();
  mkdirSync(dirname(layout.trustedRoot), { recursive: true });
  writeFileSync(layout.trustedRoot, repository.root);
  mkdirSync(join(folder, 'state'));
  mkdirSync(join(folder, 'store'));
  await layOut(layout.factory, release('1.0.0'));
  asked = [];
  held = [];
  switched = 0;
  isProvisioned = false;
});
test.after.each(() => rmSync(folder, { recursive: true, force: true }));

function release(version: string): TestRelease {
  return testRelease(version, target, {
    'bin/node': '#!/bin/sh\necho the same in all\n',
    'gateway.mjs': `export default '${version}';\n${'x'.repeat(1000)}`,
    'launcher/loadline-launch': 'version=1\n',
  });
}

/** A gateway's process. */
function flasher(of: { slot?: string; running?: string; time?: 'at-least' } = {}): Flasher {
  const wall = Date.now();
  return new Flasher({
    environment: { ...roots, LOADLINE_SLOT: of.slot ?? 'factory' },
    running: of.running ?? '1.0.0',
    built: 0,
    time: () =>
      of.time === undefined
        ? { kind: 'known', by: 'system', wall, uncertainty: 0 }
        : { kind: 'at-least', wall },
    monotonic: () => performance.now(),
    log,
    gateway: {
      isProvisioned: () => isProvisioned,
      holdUpdates: async (why) => {
        held.push(why);
        return true;
      },
      journalRoom: () => 0,
    },
    onSwitch: () => switched++,
  });
}

const folders: Readonly<Record<string, string>> = { metadata: 'metadata', target: 'targets', blob: 'blobs' };

/** A tool that has the repository. @param change what it answers instead */
const tool =
  (
    change: (answer: { bytes: Uint8Array; total: number } | null, of: string) => unknown = (answer) => answer,
  ): Ask =>
  async (_, body) => {
    const { kind, name, from, most } = body as { kind: string; name: string; from: number; most: number };
    asked.push({ kind, name, from });
    const file = repository.files.get(`${folders[kind]}/${name}`);
    const answer = file && { bytes: new Uint8Array(file.subarray(from, from + most)), total: file.length };
    return change(answer ?? null, kind);
  };

const begin = (one: Flasher, version: string, ask = tool()) =>
  one.answer('flash-begin', { release: version, target }, ask) as Promise<FlashReply<'flash-begin'>>;
const stateOf = async (one: Flasher) =>
  ((await one.answer('flash-state', {}, tool())) as FlashReply<'flash-state'>).flash;

/** Waits until it is past a state. */
async function after(one: Flasher, ...states: string[]) {
  for (;;) {
    const state = await stateOf(one);
    if (!states.includes(state.state)) return state;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Root's part. */
const root = () => install({ layout, target, built: 0, log });

async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    assert.instance(error, LinkError);
    return (error as LinkError).code;
  }
  return 'it was taken';
}

test('what no slot has is fetched, staged, installed and tried; nobody’s gateway confirms it by answering', async () => {
  const made = release('2.0.0');
  repository.publish(made);
  const first = flasher();
  await begin(first, '2.0.0');
  assert.is((await after(first, 'fetching')).state, 'installing');
  const blobs = asked.filter(({ kind }) => kind === 'blob').map(({ name }) => name);
  const own = made.manifest.files.find(({ path }) => path === 'gateway.mjs')?.packed.sha256;
  assert.equal(blobs, [own], 'only what is new travels');
  assert.is((await root())?.outcome, 'installed');
  const switching = await after(first, 'installing');
  assert.equal([switching.state, switched], ['switching', 0], 'the tool hears of it first');
  assert.match(readFileSync(layout.boot.state, 'utf8'), /^current=factory trial=a starts=0 seconds=60 id=/);
  assert.match(String(held.at(-1)), 'serial line', 'updates over the air wait until it is over');
  await first.stop();
  const second = flasher({ slot: 'a', running: '2.0.0' });
  assert.is((await stateOf(second)).state, 'confirmed');
  assert.is(readFileSync(layout.boot.state, 'utf8'), 'current=a\n');
  assert.not.ok(existsSync(layout.staging.request));
  assert.is((await stateOf(flasher({ slot: 'a', running: '2.0.0' }))).state, 'confirmed', 'and remembers it');
});

test('somebody’s gateway is not confirmed by whoever asks: its cloud does that', async () => {
  repository.publish(release('2.0.0'));
  const first = flasher();
  await begin(first, '2.0.0');
  await after(first, 'fetching');
  await root();
  await after(first, 'installing');
  isProvisioned = true;
  const second = flasher({ slot: 'a', running: '2.0.0' });
  assert.is((await stateOf(second)).state, 'trying');
  assert.match(readFileSync(layout.boot.state, 'utf8'), 'trial=a');
});

test('the launcher went back: why is told, again and again', async () => {
  repository.publish(release('2.0.0'));
  const first = flasher();
  const { id } = await begin(first, '2.0.0');
  await after(first, 'fetching');
  await root();
  await after(first, 'installing');
  writeFileSync(layout.boot.state, 'current=factory\n');
  writeFileSync(layout.boot.result, `rolled-back id=${id} slot=a reason=deadline\n`);
  for (const second of [flasher(), flasher()]) {
    const state = await stateOf(second);
    assert.is(state.state, 'rolled-back');
    assert.match(state.state === 'rolled-back' ? state.detail : '', 'did not report health in time');
  }
});

test('the line is lost, and it is begun anew, by the same name: what came is not asked for again', async () => {
  repository.publish(release('2.0.0'));
  const first = flasher();
  const lost = tool((answer, kind) => {
    if (kind === 'blob') throw new LinkError('link-session-ended', 'gone', '');
    return answer;
  });
  const { id } = await begin(first, '2.0.0', lost);
  const state = await after(first, 'fetching');
  assert.equal([state.state, state.state === 'refused' && state.code], ['refused', 'source-failed']);
  assert.is(held.at(-1), undefined, 'updates over the air may go on');
  await first.stop();
  const second = flasher();
  assert.is((await begin(second, '2.0.0')).id, id);
  assert.is((await after(second, 'fetching')).state, 'installing');
  await second.stop();
});

test('nobody vouches for the time: nothing is believed', async () => {
  repository.publish(release('2.0.0'));
  const one = flasher({ time: 'at-least' });
  await begin(one, '2.0.0');
  const state = await after(one, 'fetching');
  assert.is(state.state === 'refused' && state.code, 'time-untrusted');
});

test('what is not to be begun is refused by name', async () => {
  repository.publish(release('2.0.0'));
  const bare = flasher({ slot: 'no-slot' });
  assert.is(await refusal(begin(bare, '2.0.0')), 'flash-no-launcher');
  const other = target === 'linux-x64' ? 'linux-arm64' : 'linux-x64';
  const one = flasher();
  assert.is(
    await refusal(one.answer('flash-begin', { release: '2.0.0', target: other }, tool())),
    'flash-other-target',
  );
  await startTrial(layout, { slot: 'b', seconds: 60, id: '0b6a3c1e-7d9f-4d0e-9c54-3f1f0b8f1a11' });
  assert.is(await refusal(begin(one, '2.0.0')), 'flash-busy');
  rmSync(layout.trustedRoot);
  assert.is(await refusal(begin(one, '2.0.0')), 'flash-no-root');
});

test('the disk does not take it: that is said, and updates over the air may go on', async () => {
  const inTheWay = join(folder, 'state/updates/flash.json.new');
  mkdirSync(inTheWay, { recursive: true });
  const one = flasher();
  assert.is(await refusal(begin(one, '2.0.0')), 'flash-disk-failed');
  assert.is(held.length > 0 && held.at(-1), undefined);
});

test('hostile questions are refused, and leave it as it was', async () => {
  const one = flasher();
  await fc.assert(
    fc.asyncProperty(fc.anything(), async (body) => {
      assert.is(await refusal(one.answer('flash-begin', body, tool())), 'flash-malformed');
    }),
  );
  for (const version of ['../../etc', '1.0', '1.0.0+x', `1.0.0-${'a'.repeat(100)}`]) {
    assert.is(await refusal(begin(one, version)), 'flash-malformed');
  }
  assert.is((await stateOf(one)).state, 'idle');
});

test('hostile answers end in a refusal, whatever they are, and nothing is staged for root', async () => {
  repository.publish(release('2.0.0'));
  const part = fc.oneof(
    fc.anything(),
    fc.record({ bytes: fc.uint8Array({ maxLength: 200 }), total: fc.nat() }),
    fc.record({ bytes: fc.constant(new Uint8Array(70_000)), total: fc.constant(70_000) }),
    fc.record({ bytes: fc.constant(new Uint8Array()), total: fc.constant(1e15) }),
  );
  await fc.assert(
    fc.asyncProperty(part, fc.constantFrom('metadata', 'target', 'blob'), async (hostile, where) => {
      const one = flasher();
      await begin(
        one,
        '2.0.0',
        tool((answer, kind) => (kind === where ? hostile : answer)),
      );
      const state = await after(one, 'fetching');
      assert.is(state.state, 'refused', JSON.stringify(state));
      assert.not.ok(existsSync(layout.staging.request));
      await one.stop();
    }),
    { numRuns: 20 },
  );
});

test('a file without an end is given up where its length is known', async () => {
  repository.publish(release('2.0.0'));
  for (const where of ['metadata', 'target', 'blob']) {
    const one = flasher();
    asked = [];
    const endless = { bytes: new Uint8Array(65_536), total: Number.MAX_SAFE_INTEGER };
    await begin(
      one,
      '2.0.0',
      tool((answer, kind) => (kind === where ? endless : answer)),
    );
    assert.is((await after(one, 'fetching')).state, 'refused');
    assert.ok(asked.length < 400, `${where}: ${asked.length} parts were asked for`);
    await one.stop();
  }
});

test.run();
