import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { seeded } from '../journal/testing.ts';
import { PowerCut, PowerLossDisk, type Syncs } from './power-loss-disk.ts';
import { type CheckedSite, names, sha256 } from './site-files.ts';
import { SiteStore } from './store.ts';

const test = suite('a site in force or none, whenever the power goes');

const folder = '/var/site';
const keyOf = (name: string) => `-----BEGIN PRIVATE KEY-----\n${name}\n-----END PRIVATE KEY-----\n`;
const about = (counter: number) => ({
  ownershipCounter: counter,
  voucher: sha256(`voucher ${counter}`),
  publicKey: sha256('public'),
});

function siteOf(gatewayId: string, organisation: string): CheckedSite {
  const files = [
    { name: names.configuration, content: `id = "${gatewayId}"\n`.repeat(20), mode: 0o644 },
    { name: names.authority, content: 'authority', mode: 0o644 },
    { name: names.chain, content: `chain of ${gatewayId}`, mode: 0o644 },
  ] as const;
  return {
    site: { gatewayId, organisation, name: 'Mast' } as CheckedSite['site'],
    digest: sha256(`${gatewayId} ${organisation}`),
    files,
    network: {} as CheckedSite['network'],
    secrets: {},
  };
}

async function emptyDisk(random: () => number, syncs: Syncs): Promise<PowerLossDisk> {
  const disk = new PowerLossDisk({ random, syncs });
  await disk.makeFolder('/var');
  await disk.sync('/');
  return disk;
}

/** Provisions, as an agent does. Tells how far it came. */
async function provision(
  store: SiteStore,
  as: { id: string; organisation: string; counter: number; keep: boolean; key: string },
  reached: (step: 'key' | 'committed') => void = () => {},
): Promise<void> {
  await store.keyFor(as.id, as.organisation, async () => keyOf(as.key));
  reached('key');
  await store.write(siteOf(as.id, as.organisation), about(as.counter));
  const leftover = await store.commit(as.keep);
  reached('committed');
  if (leftover !== undefined) throw leftover;
}

/** A journal as a gateway leaves it. */
async function work(disk: PowerLossDisk, store: SiteStore, entries: string): Promise<void> {
  const state = `${store.currentFolder}/state`;
  await disk.makeFolder(`${state}/journal`);
  await disk.write(`${state}/journal/segment-1`, entries);
  await disk.write(`${state}/journal/lock`, 'held');
  await disk.write(`${state}/clock.json`, '{}');
  for (const each of [`${state}/journal`, state]) await disk.sync(each);
}

const first = { id: 'mast-1', organisation: 'acme', counter: 1, keep: false, key: 'one' };
const others = [
  { name: 'the first owner', before: undefined, next: first },
  {
    name: 'another owner',
    before: first,
    next: { ...first, id: 'mast-9', organisation: 'other', counter: 2, key: 'two' },
  },
  { name: 'the same owner again', before: first, next: { ...first, counter: 2, keep: true, key: 'two' } },
];

/** Cuts the power at every operation of a provisioning, and looks what the next boot finds. */
async function cutEverywhere(of: (typeof others)[number], seed: number, syncs: Syncs): Promise<string[]> {
  const { before, next } = of;
  const wrong: string[] = [];
  for (let cut = 0; ; cut++) {
    const random = seeded(seed * 1000 + cut);
    let disk = await emptyDisk(random, syncs);
    if (before !== undefined) {
      const store = await SiteStore.open(disk, folder);
      await provision(store, before);
      await work(disk, store, 'readings of acme');
    }
    disk = disk.killed(cut);
    const reached = new Set<string>();
    let isCut = false;
    try {
      await provision(await SiteStore.open(disk, folder), next, (step) => reached.add(step));
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
      isCut = true;
    }
    const say = (what: string) => wrong.push(`seed ${seed}, cut ${cut}: ${what}`);
    const after = disk.rebooted();
    try {
      const store = await SiteStore.open(after, folder);
      const { inForce, currentFolder, ownership } = store;
      const isNext = inForce?.ownershipCounter === next.counter;
      if (!isNext && inForce?.ownershipCounter !== before?.counter)
        say('neither the old nor the new is in force');
      if (inForce !== undefined && (await store.readBack(currentFolder as string)) === undefined)
        say('it is not whole');
      if (reached.has('committed') && !isNext) say('it was committed, and is not in force');
      const least = isNext ? next.counter : (before?.counter ?? 0);
      if (ownership.counter < least) say(`the counter fell to ${ownership.counter}`);
      if (!isNext && ownership.counter > least) say('the voucher is spent, and nothing came of it');
      const held = await after.read(`${currentFolder}/state/journal/segment-1`);
      const belongs = isNext ? next.keep : before !== undefined;
      if (belongs !== (held !== undefined)) say(`the journal is ${held === undefined ? 'gone' : 'there'}`);
      // Whoever tries again goes on with the same key, and succeeds.
      if (!isNext) {
        let made = 0;
        const key = await store.keyFor(next.id, next.organisation, async () => {
          made++;
          return keyOf('another');
        });
        if (reached.has('key') && (made > 0 || key !== keyOf(next.key))) say('the key is another');
        await store.write(siteOf(next.id, next.organisation), about(next.counter));
        await store.commit(next.keep);
        if (store.inForce?.ownershipCounter !== next.counter) say('it could not be done again');
      }
      const left = (await after.list(folder)).filter((name) => name.startsWith('site-'));
      if (left.length !== 1) say(`left behind: ${left.join(' ')}`);
    } catch (error) {
      say(`the next boot fails: ${(error as Error).message}`);
    }
    if (!isCut) return wrong;
  }
}

for (const each of others) {
  test(`cut at every operation, ${each.name}: unprovisioned or provisioned, never between`, async () => {
    for (let seed = 1; seed <= 25; seed++) assert.equal(await cutEverywhere(each, seed, 'honoured'), []);
  });
}

test('the same cuts on a disk that only says it syncs show what is lost', async () => {
  let wrong = 0;
  for (let seed = 1; seed <= 5; seed++)
    wrong += (await cutEverywhere(others[1] as (typeof others)[number], seed, 'ignored')).length;
  assert.ok(wrong > 0, 'nothing was lost without syncs: the test sees nothing');
});

test('a reset that is cut leaves it as it was or nobody’s, and the counter stays', async () => {
  for (let seed = 1; seed <= 25; seed++) {
    for (let cut = 0; ; cut++) {
      const random = seeded(seed * 1000 + cut);
      const whole = await emptyDisk(random, 'honoured');
      const made = await SiteStore.open(whole, folder);
      await provision(made, { ...first, counter: 7 });
      await work(whole, made, 'readings');
      // A cut behind the rename of the commit: the counter is not outside yet.
      await whole.remove('/var/ownership');
      await whole.sync('/var');
      const disk = whole.killed(cut);
      let isCut = false;
      try {
        await (await SiteStore.open(disk, folder)).reset();
      } catch (error) {
        if (!(error instanceof PowerCut)) throw error;
        isCut = true;
      }
      const after = disk.rebooted();
      const store = await SiteStore.open(after, folder);
      assert.is(store.ownership.counter, 7);
      assert.equal(store.ownership.gateway, { id: 'mast-1', organisation: 'acme' });
      const left = (await after.list(folder)).filter(
        (name) => name.startsWith('site-') || name === 'current',
      );
      assert.equal(left.length, store.inForce === undefined ? 0 : 2, `seed ${seed}, cut ${cut}: ${left}`);
      if (isCut) continue;
      assert.is(store.inForce, undefined);
      break;
    }
  }
});

test('a counter that the disk did not take at the commit is taken before a reset', async () => {
  const disk = await emptyDisk(seeded(1), 'honoured');
  const { write } = disk;
  let isFull = true;
  disk.write = (file, content) =>
    isFull && file.endsWith('ownership.new')
      ? Promise.reject(new Error('ENOSPC'))
      : write.call(disk, file, content);
  const store = await SiteStore.open(disk, folder);
  assert.is(await provision(store, first).catch((error: Error) => error.message), 'ENOSPC');
  assert.is(store.inForce?.ownershipCounter, 1);
  assert.is(await store.reset().catch((error: Error) => error.message), 'ENOSPC');
  assert.is(store.inForce?.ownershipCounter, 1);
  isFull = false;
  await store.reset();
  assert.equal([store.inForce, (await SiteStore.open(disk, folder)).ownership.counter], [undefined, 1]);
});

test('a commit that the disk did not take can be done again', async () => {
  const disk = await emptyDisk(seeded(1), 'honoured');
  const store = await SiteStore.open(disk, folder);
  await provision(store, first);
  await work(disk, store, 'readings');
  const { link } = disk;
  let links = 0;
  disk.link = (file, name) =>
    ++links === 2 ? Promise.reject(new Error('EIO')) : link.call(disk, file, name);
  const again = { ...first, counter: 2, keep: true };
  assert.is(await provision(store, again).catch((error: Error) => error.message), 'EIO');
  assert.is(store.inForce?.ownershipCounter, 1);
  assert.is(await store.commit(true), undefined);
  assert.is(store.inForce?.ownershipCounter, 2);
});

test('a commit whose rename was done and not synced is in force, and no attempt writes into it', async () => {
  const disk = await emptyDisk(seeded(1), 'honoured');
  const store = await SiteStore.open(disk, folder);
  await provision(store, first);
  const { rename, sync } = disk;
  let isPointed = false;
  disk.rename = async (from, to) => {
    await rename.call(disk, from, to);
    isPointed ||= to.endsWith('/current');
  };
  disk.sync = async (path) => {
    if (isPointed && path === folder) throw new Error('EIO');
    await sync.call(disk, path);
  };
  const again = { ...first, counter: 2, keep: true };
  assert.is(await provision(store, again).catch((error: Error) => error.message), 'EIO');
  Object.assign(disk, { rename, sync });
  assert.is(store.inForce?.ownershipCounter, 2);
  assert.is(`${folder}/${await disk.pointer(`${folder}/current`)}`, store.currentFolder);
  await store.keyFor(first.id, first.organisation, async () => keyOf('three'));
  assert.is.not(store.stagedFolder, store.currentFolder);
  assert.ok(await store.readBack(store.currentFolder as string));
});

test('what a gateway holds goes on with the same owner, without the identity and the locks of before', async () => {
  const disk = await emptyDisk(seeded(1), 'honoured');
  const store = await SiteStore.open(disk, folder);
  await provision(store, first);
  await work(disk, store, 'readings');
  await disk.write(`${store.currentFolder}/state/renewal.key`, keyOf('renewed'));
  await disk.write(`${store.currentFolder}/state/desired.json`, '{}');
  await provision(store, { ...first, counter: 2, keep: true, key: 'two' });
  const state = `${store.currentFolder}/state`;
  assert.equal([...(await disk.list(state))].sort(), ['clock.json', 'gateway.crt', 'gateway.key', 'journal']);
  assert.equal(await disk.list(`${state}/journal`), ['segment-1']);
  assert.is(await disk.read(`${state}/gateway.key`), keyOf('two'));
});

test('a counter that cannot be read, with nothing in force, is said and not taken for 0', async () => {
  const disk = await emptyDisk(seeded(1), 'honoured');
  const store = await SiteStore.open(disk, folder);
  await provision(store, { ...first, counter: 3 });
  await disk.write('/var/ownership', '{"version":1,"cou');
  assert.is((await SiteStore.open(disk, folder)).ownership.counter, 3);
  await (await SiteStore.open(disk, folder)).reset();
  await disk.write('/var/ownership', '{"version":1,"cou');
  const fault = await SiteStore.open(disk, folder).catch((error: Error) => error.message);
  assert.match(fault as string, 'is damaged: put');
});

test.run();
