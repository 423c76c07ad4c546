import type { KeyObject } from 'node:crypto';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Secret } from '@loadline/sdk/platform';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openAccounts, openStateKeys } from '../accounts.ts';
import { type Device, Directory } from '../router/index.ts';
import { type CredentialKind, Store, step } from '../store/index.ts';
import type { Maker } from '../tokens/index.ts';

type Accounts = Awaited<ReturnType<typeof openAccounts>>;
interface Site {
  folder: string;
  store: Store;
  directory: Directory;
  accounts: Accounts;
  device: Device;
  now: number;
}
const test = suite<Site>('credentials of devices');
const place = { channel: 'https', source: '192.0.2.1' } as const;

const maker = {
  token: null,
  entry: (what = {}) => ({
    ...{ organisation: 'first', at: 0, actor: { kind: 'user', id: 'u' }, channel: 'https', action: 'a' },
    ...{ target: null, outcome: 'done', code: null, before: null, after: null, personal: null, ...what },
  }),
} as unknown as Maker;

async function open(site: Site): Promise<void> {
  site.directory = await Directory.load(site.store);
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  const { folder, store, directory } = site;
  const now = () => site.now;
  const keys = await openStateKeys({ folder, store, now });
  site.accounts = await openAccounts({
    ...{ folder, keys, store, directory, page: 'https://localhost', smtp: undefined, log: silent, now },
  });
  // After a restart the device is read anew; before the first test there is none.
  site.device = directory.device(site.device?.id ?? '') as Device;
}

test.before(async (site) => {
  site.now = 1_795_000_000_000;
  site.folder = mkdtempSync(join(tmpdir(), 'loadline-credentials-'));
  site.store = await Store.open(
    { file: join(site.folder, 'loadline.db'), key: 'a5'.repeat(32) },
    assert.unreachable,
  );
  const organisation = { id: 'first', name: 'First', created: 0 };
  await site.store.change({ steps: [step('createOrganisation', organisation)], audit: [] });
  await open(site);
});

/** Each test has a device of its own. */
test.before.each(async (site) => {
  site.now = 1_795_000_000_000;
  const id = `logger-${randomUUID()}`;
  const steps = [step('addDevice', { id, organisation: 'first', kind: 'software' })];
  await site.store.change({ steps, audit: [] });
  await site.directory.reload();
  site.device = site.directory.device(id) as Device;
});

test.after(async ({ accounts, store, folder }) => {
  await accounts.close();
  await store.close();
  rmSync(folder, { recursive: true });
});

async function make({ accounts, device }: Site, kind: CredentialKind, days: number | null = null) {
  const made = await accounts.credentials.create(maker, device, { kind, name: 'one', days });
  if (made.kind !== 'done') throw new Error('refused');
  return { id: made.value.credential.id, secret: made.value.secret };
}

function opens({ accounts, device }: Site, token: string): boolean {
  const shown = accounts.credentialHolders.show({ kind: 'token', token: new Secret(token) }, place);
  return shown.kind === 'held' && shown.held.principal.id === device.id;
}

test('a token of 256 bits proves its device, after a restart too, and is found nowhere on disk', async (site) => {
  const { secret } = await make(site, 'token');
  assert.match(secret, /^lld_[\w-]{43}$/);
  assert.ok(opens(site, secret));
  assert.not.ok(opens(site, `${secret.slice(0, -1)}${secret.endsWith('A') ? 'B' : 'A'}`));
  await site.accounts.close();
  await open(site);
  assert.ok(opens(site, secret));
  for (const name of readdirSync(site.folder)) {
    if (name.startsWith('loadline.db') || name.endsWith('.json')) {
      assert.not.ok(readFileSync(join(site.folder, name)).includes(secret), name);
    }
  }
});

test('of two tokens the old one ends when the new one is first used, and not before', async (site) => {
  const old = await make(site, 'token');
  assert.ok(opens(site, old.secret));
  const next = await make(site, 'token');
  assert.ok(opens(site, old.secret));
  assert.ok(opens(site, next.secret));
  assert.not.ok(opens(site, old.secret));
  await site.accounts.close();
  await site.store.close();
  const { folder } = site;
  site.store = await Store.open(
    { file: join(folder, 'loadline.db'), key: 'a5'.repeat(32) },
    assert.unreachable,
  );
  await open(site);
  assert.not.ok(opens(site, old.secret));
  assert.ok(opens(site, next.secret));
});

test('one that was made to take a place and never used ends when another is made', async (site) => {
  const old = await make(site, 'token');
  const lost = await make(site, 'token');
  const next = await make(site, 'token');
  assert.not.ok(opens(site, lost.secret));
  assert.ok(opens(site, old.secret));
  assert.ok(opens(site, next.secret));
  assert.not.ok(opens(site, old.secret));
});

test('switched off, revoked, expired, or of a device that is switched off: nothing opens', async (site) => {
  const { accounts, device } = site;
  const { id, secret } = await make(site, 'token', 1);
  await accounts.credentials.patch(maker, device, id, { status: 'inactive' });
  assert.not.ok(opens(site, secret));
  await accounts.credentials.patch(maker, device, id, { status: 'active' });
  assert.ok(opens(site, secret));
  device.enabled = false;
  assert.not.ok(opens(site, secret));
  device.enabled = true;
  site.now += 86_400_000;
  assert.not.ok(opens(site, secret));
  site.now -= 1000;
  assert.ok(opens(site, secret));
  await accounts.credentials.revoke(maker, device, id);
  assert.not.ok(opens(site, secret));
  const again = await accounts.credentials.patch(maker, device, id, { status: 'active' });
  assert.is(again.kind === 'refused' && again.code, 'conflict');
});

test('a key opens with its own secret only, and each kind at its own door only', async (site) => {
  const { credentialHolders } = site.accounts;
  const key = await make(site, 'key');
  const socket = await make(site, 'socket-token');
  const show = (secret: string) =>
    credentialHolders.show(
      { kind: 'key', id: key.id, secret: new Secret(secret) },
      { ...place, channel: 'mqtt' },
    ).kind;
  assert.is(show(key.secret), 'held');
  assert.is(show((await make(site, 'socket-key')).secret), 'refused');
  assert.not.ok(opens(site, socket.secret));
  assert.not.ok(opens(site, key.secret));
  assert.is(
    credentialHolders.show({ kind: 'socket-token', token: new Secret(socket.secret) }, place).kind,
    'held',
  );
});

test('what a socket key signed is judged by the secret that was shown, and by nothing while it is switched off', async (site) => {
  const { accounts, device } = site;
  const { credentialHolders: holders } = accounts;
  const { id, secret } = await make(site, 'socket-key');
  const show = (isSigned: (made: KeyObject) => boolean, isLetIn?: () => boolean) =>
    holders.show({ kind: 'socket-key', id, isSigned }, place, isLetIn).kind;
  let made = '';
  assert.is(
    show((key) => {
      made = key.export().toString('base64url');
      return true;
    }),
    'held',
  );
  assert.is(made, secret);
  assert.is(
    show(() => false),
    'refused',
  );
  assert.is(
    show(
      () => true,
      () => false,
    ),
    'refused',
  );
  await accounts.credentials.patch(maker, device, id, { status: 'inactive' });
  assert.is(
    show(() => true),
    'refused',
  );
  assert.not.ok(holders.isGood(id, 'socket-key'));
});

test('where the address is only claimed, failures are not counted against it', async (site) => {
  const { credentialHolders: holders } = site.accounts;
  const proof = { kind: 'socket-token', token: new Secret(`lls_${'x'.repeat(43)}`) } as const;
  const kinds = (isClaimed: boolean) =>
    Array.from({ length: 60 }, () => holders.show(proof, { ...place, channel: 'socket', isClaimed }).kind);
  assert.ok(kinds(true).every((kind) => kind === 'refused'));
  assert.ok(kinds(false).includes('held-back'));
});

test('what is revoked while somebody renames it stays revoked', async (site) => {
  const { accounts, device } = site;
  const { id, secret } = await make(site, 'token');
  const [, renamed] = await Promise.all([
    accounts.credentials.revoke(maker, device, id),
    accounts.credentials.patch(maker, device, id, { name: 'two' }),
  ]);
  assert.is(renamed.kind === 'refused' && renamed.code, 'conflict');
  assert.not.ok(opens(site, secret));
});

test('what ends by the use of another while somebody renames it stays ended', async (site) => {
  const { accounts, device } = site;
  const old = await make(site, 'token');
  const next = await make(site, 'token');
  const renamed = accounts.credentials.patch(maker, device, old.id, { name: 'two' });
  // The change has left for the store, and has not come back.
  await Promise.resolve();
  assert.ok(opens(site, next.secret));
  await renamed;
  assert.not.ok(opens(site, old.secret));
});

test('two that are switched off and renamed at a time, or made at a time, end as one after the other', async (site) => {
  const { accounts, device } = site;
  const { id, secret } = await make(site, 'token');
  await Promise.all([
    accounts.credentials.patch(maker, device, id, { status: 'inactive' }),
    accounts.credentials.patch(maker, device, id, { name: 'two' }),
  ]);
  assert.not.ok(opens(site, secret));
  await Promise.all([make(site, 'token'), make(site, 'token')]);
  const standing = accounts.credentials.list(device).filter(({ status }) => status !== 'revoked');
  assert.is(standing.length, 2);
});

test('where the end of the old one cannot be written, the next use of the new one writes it', async (site) => {
  const old = await make(site, 'token');
  const next = await make(site, 'token');
  const change = site.store.change.bind(site.store);
  site.store.change = async () => {
    throw new Error('the disk is full');
  };
  assert.ok(opens(site, next.secret));
  await new Promise((done) => setImmediate(done));
  site.store.change = change;
  assert.ok(opens(site, next.secret));
  const stored = async () =>
    (await site.store.read('deviceCredentials', {})).find(({ id }) => id === old.id)?.status;
  for (const until = Date.now() + 30_000; (await stored()) !== 'revoked'; ) assert.ok(Date.now() < until);
  assert.not.ok(opens(site, old.secret));
});

test.run();
