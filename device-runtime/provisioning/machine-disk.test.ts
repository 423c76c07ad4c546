import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { machineDisk, type SiteDisk } from './disk.ts';
import { type CheckedSite, names, sha256 } from './site-files.ts';
import { SiteStore } from './store.ts';

const test = suite("sites on the machine's own disk");

const site: CheckedSite = {
  site: { gatewayId: 'mast-1', organisation: 'acme', name: 'Mast' } as CheckedSite['site'],
  digest: sha256('site'),
  files: [
    { name: names.configuration, content: 'configuration', mode: 0o644 },
    { name: names.secret, content: 'secret', mode: 0o600 },
    { name: names.chain, content: 'chain', mode: 0o644 },
  ],
  network: {} as CheckedSite['network'],
  secrets: {},
};

let root: string;
test.before.each(async () => {
  root = await mkdtemp(join(tmpdir(), 'loadline-sites-'));
});
test.after.each(() => rm(root, { recursive: true }));

/** The machine's disk under a process that is killed at an operation: nothing of it or behind it is done. */
function killedAt(operation: number): SiteDisk {
  let left = operation;
  const changing = ['makeFolder', 'write', 'link', 'point', 'rename', 'remove', 'sync'];
  return new Proxy(machineDisk, {
    get: (disk, name: keyof SiteDisk) => {
      const call = disk[name] as (...given: unknown[]) => Promise<unknown>;
      return (...given: unknown[]) =>
        changing.includes(name) && left-- <= 0 ? Promise.reject(new Error('killed')) : call(...given);
    },
  });
}

async function provision(store: SiteStore, counter: number, keepsJournal: boolean): Promise<void> {
  await store.keyFor('mast-1', 'acme', async () => '-----END PRIVATE KEY-----\n');
  const about = { ownershipCounter: counter, voucher: sha256('voucher'), publicKey: sha256('key') };
  await store.write(site, about);
  const leftover = await store.commit(keepsJournal);
  if (leftover !== undefined) throw leftover;
}

test('killed at every call, it is what it was or what it was to be, and can be done again', async () => {
  const folder = join(root, 'site');
  const first = await SiteStore.open(machineDisk, folder);
  await provision(first, 1, false);
  for (let counter = 2, operation = 0; ; operation++) {
    const open = await SiteStore.open(machineDisk, folder);
    const before = open.inForce?.ownershipCounter;
    assert.is(before, counter - 1);
    let isKilled = false;
    try {
      await provision(await SiteStore.open(killedAt(operation), folder), counter, true);
    } catch (error) {
      assert.is((error as Error).message, 'killed');
      isKilled = true;
    }
    const store = await SiteStore.open(machineDisk, folder);
    const { inForce, currentFolder = '', ownership } = store;
    assert.ok([before, counter].includes(inForce?.ownershipCounter), `operation ${operation}`);
    assert.is(ownership.counter, inForce?.ownershipCounter);
    assert.equal(await store.readBack(currentFolder), inForce);
    if (inForce?.ownershipCounter === before) await provision(store, counter, true);
    counter++;
    if (!isKilled) break;
  }
});

test('everything is for its owner alone, and what is not in force any more is gone', async () => {
  const folder = join(root, 'site');
  const store = await SiteStore.open(machineDisk, folder);
  await provision(store, 1, false);
  await provision(store, 2, false);
  const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);
  const current = join(folder, 'current');
  assert.is(await modeOf(folder), '700');
  assert.is(await modeOf(`${current}/`), '700');
  assert.is(await modeOf(join(current, 'state')), '700');
  for (const name of [names.key, names.secret, 'site.json'])
    assert.is(await modeOf(join(current, name)), '600', name);
  assert.is((await readdir(folder)).filter((name) => name.startsWith('site-')).length, 1);
  assert.is(await readFile(join(current, names.configuration), 'utf8'), 'configuration');
});

test.run();
