import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { testRelease } from './test-releases.ts';
import { patiently, TestGateway, target } from './test-updates.ts';

const test = suite('updates of a gateway');

const wanted = testRelease('0.2.0', target, {
  'bin/node': 'node',
  'gateway.mjs': Buffer.from(Array.from({ length: 200_000 }, () => Math.floor(Math.random() * 256))),
});
const id = '0b6a3c1e-7d9f-4d0e-9c54-3f1f0b8f1a11';
const offer = { id, release: '0.2.0' };

let gateway: TestGateway;

test.before.each(async () => {
  gateway = await TestGateway.open(wanted);
});
test.after.each(() => gateway.close());

async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const limit = performance.now() + 20_000;
  while (!(await condition())) {
    if (performance.now() > limit) throw new Error(`not within 20 s: ${what}; ${gateway.logged.join('\n')}`);
    await delay(5);
  }
}

const message = (value: unknown) => Buffer.from(JSON.stringify(value));
const offered = message({ version: 1, offer });
const withdrawn = message({ version: 1, offer: null });
const states = () => gateway.reports.map(({ progress }) => progress.state);
const last = () => gateway.reports.at(-1)?.progress;
const codes = () => gateway.events.map(({ code }) => code);
const isThere = async (path: string) => (await stat(path).catch(() => undefined)) !== undefined;

async function answer(result: object): Promise<void> {
  await writeFile(`${gateway.layout.installed}.new`, JSON.stringify({ id, ...result }));
  const { rename } = await import('node:fs/promises');
  await rename(`${gateway.layout.installed}.new`, gateway.layout.installed);
}
const inSlotB = { outcome: 'installed', slot: 'b', release: '0.2.0', target, healthSeconds: 60 };

test('fetches what is offered, has it installed, tells the launcher, and wants to end', async () => {
  const updates = await gateway.start('factory');
  gateway.frames = 7;
  updates.connected();
  updates.received(offered);
  await until(() => isThere(gateway.layout.staging.request), 'the request');
  await until(() => last()?.state === 'installing', 'it is told');
  assert.is(gateway.isSwitched, false);
  await answer(inSlotB);
  await until(() => gateway.isSwitched, 'the switch');
  assert.is(
    await readFile(gateway.layout.boot.state, 'utf8'),
    `current=factory trial=b starts=0 seconds=60 id=${id}\n`,
  );
  assert.equal([...new Set(states())], ['idle', 'downloading', 'installing', 'trying']);
  assert.equal(codes(), ['release-installed']);
  const { trial } = JSON.parse(await readFile(join(gateway.folder, 'state/updates/updates.json'), 'utf8'));
  assert.is(trial.expectsFrames, true);
});

test('keeps to the answer of the installer where it refuses, and does not try again', async () => {
  const updates = await gateway.start('factory');
  updates.received(offered);
  await until(() => last()?.state === 'installing', 'installing');
  await answer({ outcome: 'refused', code: 'file-refused', detail: 'a digest' });
  await until(() => last()?.state === 'refused', 'refused');
  assert.equal(last(), { state: 'refused', code: 'file-refused', detail: 'a digest' });
  assert.equal(codes(), ['release-refused']);
  await until(async () => !(await isThere(gateway.layout.staging.folder)), 'what was fetched is gone');
  const kept = join(gateway.folder, 'state/updates/updates.json');
  await until(async () => (await readFile(kept, 'utf8').catch(() => '')).includes('a digest'), 'it is kept');
  updates.stop();
  // The next run knows it too.
  gateway.server.asked.length = 0;
  const next = await gateway.start('factory');
  next.received(offered);
  assert.is(last()?.state, 'refused');
  await delay(100);
  assert.equal([gateway.server.asked.length, codes()], [0, ['release-refused']]);
});

for (const [expectsFrames, words] of [
  [true, 'an acknowledgement and a frame, where the run before heard frames'],
  [false, 'an acknowledgement, where it heard none'],
] as const) {
  test(`on trial is confirmed by ${words}`, async () => {
    const { state } = gateway.layout.boot;
    await mkdir(gateway.layout.boot.folder, { recursive: true });
    await writeFile(state, `current=factory trial=b starts=1 seconds=60 id=${id}\n`);
    await mkdir(join(gateway.folder, 'state/updates'));
    const trial = { id, expectsFrames, proof: { acknowledged: false, heard: false } };
    const memory = { version: 1, ended: [], trial, confirmed: null };
    await writeFile(join(gateway.folder, 'state/updates/updates.json'), JSON.stringify(memory));
    // It has just begun, however long this machine took to get here.
    const updates = await gateway.start('b', { running: '0.2.0', monotonic: () => 0 });
    updates.connected();
    assert.equal(last(), { state: 'trying', secondsLeft: 60 });
    updates.acknowledged();
    if (expectsFrames) {
      await delay(100);
      assert.match(await readFile(state, 'utf8'), 'trial=b');
      gateway.frames = 1;
    }
    await until(async () => (await readFile(state, 'utf8')) === 'current=b\n', 'it is in force');
    await until(() => last()?.state === 'confirmed', 'it is told');
    assert.equal(codes(), ['release-confirmed']);
    updates.received(offered);
    assert.is(last()?.state, 'confirmed', 'the offer that it came by is done');
  });
}

test('tells once what the launcher went back from, with what it had shown, and does not try it again', async () => {
  const { folder, result } = gateway.layout.boot;
  await mkdir(folder, { recursive: true });
  await writeFile(result, `rolled-back id=${id} slot=b reason=deadline\n`);
  await mkdir(join(gateway.folder, 'state/updates'));
  const trial = { id, expectsFrames: true, proof: { acknowledged: true, heard: false } };
  const memory = { version: 1, ended: [], trial, confirmed: null };
  await writeFile(join(gateway.folder, 'state/updates/updates.json'), JSON.stringify(memory));
  let flushed = 0;
  const flush = async () => {
    assert.ok(await isThere(result), 'it is forgotten only once it is on disk');
    flushed++;
  };
  const updates = await gateway.start('factory', { flush });
  const detail = 'slot b: it did not report health in time; it reached the cloud, and heard no frame';
  assert.equal(gateway.events, [{ code: 'release-rolled-back', subject: '', detail }]);
  assert.equal([flushed, await isThere(result)], [1, false]);
  updates.connected();
  assert.equal(gateway.reports.at(-1), {
    ...gateway.reports[0],
    offer: id,
    progress: { state: 'rolled-back', detail },
  });
  updates.received(offered);
  await delay(100);
  assert.equal([last()?.state, gateway.server.asked.length], ['rolled-back', 0]);
  updates.received(message({ version: 1, offer: { ...offer, id: '1b6a3c1e-7d9f-4d0e-9c54-3f1f0b8f1a11' } }));
  await until(() => last()?.state === 'installing', 'the same release under another id is tried');
});

test('tries once more what reached no cloud, where the release before it reached none for long either', async () => {
  const { folder, result } = gateway.layout.boot;
  const memory = join(gateway.folder, 'state/updates/updates.json');
  await mkdir(folder, { recursive: true });
  await mkdir(join(gateway.folder, 'state/updates'));
  const trial = { id, expectsFrames: false, proof: { acknowledged: false, heard: false } };
  await writeFile(memory, JSON.stringify({ version: 1, ended: [], trial, confirmed: null }));
  /** A run after the launcher went back, that has a link after so many seconds. */
  const after = async (seconds: number, reason = 'deadline') => {
    await writeFile(result, `rolled-back id=${id} slot=b reason=${reason}\n`);
    const kept = JSON.parse(await readFile(memory, 'utf8'));
    await writeFile(memory, JSON.stringify({ ...kept, ended: [], trial }));
    let away = 0;
    const updates = await gateway.start('factory', { monotonic: () => performance.now() + away });
    away = seconds * 1000;
    updates.connected();
    updates.received(offered);
    const { state } = updates.status().progress;
    updates.stop();
    return state;
  };
  assert.is(await after(60), 'rolled-back', 'it was the release');
  assert.is(await after(600, 'starts'), 'rolled-back', 'it died');
  assert.is(await after(600), 'downloading', 'it was the network');
  await until(async () => JSON.parse(await readFile(memory, 'utf8')).triedAgain === id, 'it is noted');
  assert.is(await after(600), 'rolled-back', 'and no third time');
});

test('keeps what the launcher went back from as long as the disk does not take that it was', async () => {
  const { folder, result } = gateway.layout.boot;
  await mkdir(folder, { recursive: true });
  await writeFile(result, `rolled-back id=${id} slot=b reason=starts\n`);
  // In the way of the file that is written beside its place.
  const inTheWay = join(gateway.folder, 'state/updates/updates.json.new');
  await mkdir(inTheWay, { recursive: true });
  (await gateway.start('factory')).stop();
  assert.equal([codes(), await isThere(result)], [['release-rolled-back'], true]);
  await rm(inTheWay, { recursive: true });
  const next = await gateway.start('factory');
  assert.is(await isThere(result), false);
  next.received(offered);
  assert.is(last()?.state, 'rolled-back');
});

test('says that the launcher left a release that died, and does not install that again by itself', async () => {
  const { folder, result } = gateway.layout.boot;
  await mkdir(folder, { recursive: true });
  await writeFile(result, 'fell-back slot=b to=factory reason=deaths\n');
  await mkdir(join(gateway.folder, 'state/updates'));
  const memory = { version: 1, ended: [], trial: null, confirmed: id };
  await writeFile(join(gateway.folder, 'state/updates/updates.json'), JSON.stringify(memory));
  const updates = await gateway.start('factory');
  assert.equal(codes(), ['release-fell-back']);
  updates.received(offered);
  assert.is(last()?.state, 'rolled-back');
});

test('is refused by name without a launcher, and waits where it is switched off', async () => {
  const alone = await gateway.start(undefined);
  alone.received(offered);
  assert.equal([last()?.state, gateway.reports.at(-1)?.running.slot], ['refused', null]);
  const off = await gateway.start('factory', {}, '[update]\nenabled = false\n');
  off.received(offered);
  assert.equal(last(), {
    state: 'waiting',
    detail: 'updates are switched off in its configuration (`update.enabled`)',
  });
  assert.is(gateway.server.asked.length, 0);
});

test('takes no harm from what is no message, and from a folder that is none', async () => {
  await mkdir(join(gateway.folder, 'state'));
  await writeFile(join(gateway.folder, 'state/updates'), 'in the way');
  await writeFile(join(gateway.folder, 'state/staging'), 'in the way');
  const updates = await gateway.start('factory');
  for (const hostile of [
    '',
    '{',
    '[]',
    '{"version":2}',
    JSON.stringify({ version: 1, offer: { id, release: '../../x' } }),
  ]) {
    updates.received(Buffer.from(hostile));
  }
  updates.received(Buffer.alloc(100_000, 91));
  assert.equal(states(), []);
  updates.received(offered);
  await until(() => last()?.state === 'refused' || last()?.state === 'waiting', 'it is said');
});

test('stops fetching what is withdrawn, and goes on with it where it is offered again', async () => {
  gateway.server.fault = ({ path }) =>
    path.startsWith('blobs/') ? { kind: 'slow', bytes: 1000 } : undefined;
  const updates = await gateway.start('factory');
  updates.received(offered);
  await until(() => gateway.server.sent > 20_000, 'it is under way');
  updates.received(withdrawn);
  assert.is(last()?.state, 'idle');
  const { sent } = gateway.server;
  await delay(200);
  assert.ok(gateway.server.sent - sent < 100_000, 'the rest does not come');
  assert.equal(codes(), ['release-withdrawn']);
  gateway.server.fault = () => undefined;
  updates.received(offered);
  await until(() => last()?.state === 'installing', 'it is staged');
  assert.match(gateway.server.asked.at(-1)?.range ?? '', /^bytes=[1-9]/);
});

test('takes no more bytes a second than it may, and a trickle while readings are behind', async () => {
  for (const [configuration, unsent, rate] of [
    ['[update]\nbytes_per_second = 100_000\n', 0, 100_000],
    ['', 5000, 8192],
  ] as const) {
    gateway.server.sent = 0;
    gateway.server.fault = ({ path }) =>
      path.startsWith('blobs/') ? { kind: 'slow', bytes: 4000 } : undefined;
    const updates = await gateway.start('factory', { unsent: () => unsent }, configuration);
    const since = performance.now();
    updates.received(offered);
    await until(() => gateway.server.sent > 0, 'it is under way');
    await delay(1000);
    // A second's worth may come at once.
    const progress = updates.status().progress;
    const done = progress.state === 'downloading' ? progress.done : Number.POSITIVE_INFINITY;
    assert.ok(done <= ((performance.now() - since) / 1000) * rate + rate + 65_536, `${done} bytes`);
    updates.stop();
    await rm(join(gateway.folder, 'state'), patiently);
  }
});

const mayMount = spawnSync('unshare', ['--mount', 'true']).status === 0;

(mayMount ? test : test.skip)(
  'gives the disk back where it is full in the middle, and comes again once there is room',
  async () => {
    const state = join(gateway.folder, 'state');
    await mkdir(state);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', state]);
    try {
      let isFull = false;
      gateway.server.fault = ({ path }) => {
        if (!path.startsWith('blobs/') || isFull) return undefined;
        isFull = true;
        // Somebody else takes all that is left.
        assert.throws(() => writeFileSync(join(state, 'filler'), Buffer.alloc(4_000_000)), /ENOSPC/);
        return undefined;
      };
      const updates = await gateway.start('factory', { random: () => -1 });
      updates.received(offered);
      await until(() => gateway.logged.some((line) => /ENOSPC/.test(line)), 'it is noticed');
      await until(async () => !(await isThere(gateway.layout.staging.folder)), 'nothing of it stays');
      assert.is.not(last()?.state, 'refused');
      await rm(join(state, 'filler'));
      await until(() => last()?.state === 'installing', 'it is staged');
      updates.stop();
    } finally {
      // Also where it is still written to.
      execFileSync('umount', ['--lazy', state]);
    }
  },
);

test('tries again after what may pass, and refuses what stays wrong', async () => {
  let asked = 0;
  gateway.server.fault = ({ path }) =>
    path.startsWith('blobs/') && asked++ === 0 ? { kind: 'hang-up' } : undefined;
  const updates = await gateway.start('factory', { random: () => -1 });
  updates.received(offered);
  await until(() => last()?.state === 'installing', 'the second attempt succeeds');
  updates.stop();
  await rm(join(gateway.folder, 'state'), patiently);
  gateway.server.fault = ({ path }) => (path.startsWith('blobs/') ? { kind: 'other-content' } : undefined);
  const other = await gateway.start('factory', { random: () => -1 });
  other.received(offered);
  await until(() => last()?.state === 'refused', 'what is another file every time is refused');
  assert.is(asked > 0 && gateway.server.asked.filter(({ path }) => path.startsWith('blobs/')).length, 5);
});

test.run();
