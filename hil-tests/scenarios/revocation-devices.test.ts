// @long
// Whatever lets a device deliver, ending it ends what is open by it, within 2 s of the answer that says so, at each door.
import { randomUUID } from 'node:crypto';
import { setTimeout as elapsed } from 'node:timers/promises';
import { socketSecret, writeSignedLine, writeTokenLine } from '@loadline/sdk/socket';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Open } from '../inhabited/followers.ts';
import { until } from '../rig/index.ts';
import { awakeMilliseconds, freeSocketPorts } from '../system/index.ts';
import { connectGateway, enrolIdentity } from '../system/mqtt-gateway.ts';
import {
  beginUpload,
  connects,
  deviceLink,
  gatewayLink,
  openLine,
  post,
  sayLine,
  type Transport,
  type Upload,
} from './device-doors.ts';
import { type Credentials, takeInSoftware } from './software-device.ts';
import { openStateDatabase } from './state-database.ts';
import { type TemporaryCloud, temporaryCloud } from './temporary-cloud.ts';

const test = suite('revocation of what devices deliver by');

/** What the product promises, in ms from the answer to the request that revokes. */
const promised = 2000;

type Kind = keyof Credentials;
const kinds: readonly Kind[] = ['token', 'key', 'socket-token', 'socket-key'];
type Credential = Credentials[Kind];

let temporary: TemporaryCloud;
let counter = 1;

const named = [{ name: 'temp', value: 21.5 }];
const tokenLine = (token: string) => writeTokenLine(token, named, `n${counter++}`);
const signedLine = ({ id, secret }: Credential) =>
  writeSignedLine({ id, secret: socketSecret(secret) }, counter++, named);
const organisation = () => temporary.cloud.organisation;
const softwareDevice = async () => {
  const device = `device-${randomUUID()}`;
  return { device, credentials: await takeInSoftware(temporary.cloud, device) };
};

/** What is open by a credential, by what it is for the message, and what is told when it ends. */
interface Held {
  readonly name: string;
  readonly open: Open;
  readonly farewell: RegExp;
}
interface Presence {
  readonly held: readonly Held[];
  readonly upload: Upload | undefined;
}

const line = async (transport: 'tcp' | 'tls', text: string): Promise<Held> => ({
  name: `a connection by ${transport}`,
  open: await openLine(temporary.cloud, transport, text),
  farewell: /^ERR credential-ended/,
});

/** Has a device do with a credential all that it is for. */
async function present(device: string, kind: Kind, credential: Credential): Promise<Presence> {
  const { cloud } = temporary;
  switch (kind) {
    case 'token':
      return { held: [], upload: await beginUpload(cloud, credential.secret) };
    case 'key': {
      const open = await deviceLink(cloud, device, credential);
      await open.client.publishAsync(`v1/dev/${device}/json`, '{"temp":1}', { qos: 1 });
      const codes = 'credential-ended|device-disabled|session-taken-over';
      const farewell = new RegExp(`v1/dev/${device}/notice .*"(${codes})"`);
      return { held: [{ name: 'a link', open, farewell }], upload: undefined };
    }
    case 'socket-token':
    case 'socket-key': {
      const text = () => (kind === 'socket-token' ? tokenLine(credential.secret) : signedLine(credential));
      return { held: [await line('tcp', text()), await line('tls', text())], upload: undefined };
    }
  }
}

/** What the next attempts with a credential get. */
async function next(device: string, kind: Kind, credential: Credential): Promise<unknown[]> {
  const { cloud } = temporary;
  if (kind === 'token') return [await post(cloud, credential.secret)];
  if (kind === 'key') return [await connects(cloud, credential, device)];
  const text = () => (kind === 'socket-token' ? tokenLine(credential.secret) : signedLine(credential));
  const by: Transport[] = ['tcp', 'tls', 'udp'];
  return await Promise.all(by.map((transport) => sayLine(cloud, transport, text())));
}

/** Delivers once. */
async function deliver(kind: Exclude<Kind, 'key'>, credential: Credential): Promise<number | string> {
  const { cloud } = temporary;
  if (kind === 'token') return await post(cloud, credential.secret);
  return await sayLine(
    cloud,
    'tcp',
    kind === 'socket-token' ? tokenLine(credential.secret) : signedLine(credential),
  );
}

const refused: Readonly<Record<Kind, readonly unknown[]>> = {
  token: [401],
  key: ['refused'],
  'socket-token': ['ERR unauthenticated', 'ERR unauthenticated', ''],
  'socket-key': ['ERR unauthenticated', 'ERR unauthenticated', ''],
};

/** Waits for the end of each, longer than promised, so that what comes late is told by how much. */
async function assertEnded(held: readonly Held[], answered: number): Promise<void> {
  await until(() => held.every(({ open }) => open.ended !== undefined)).catch(() => {});
  for (const { name, open, farewell } of held) {
    open.close();
    assert.ok(open.ended !== undefined, `${name} is open still`);
    assert.ok(open.ended - answered <= promised, `${name} was open for ${open.ended - answered} ms`);
    assert.match(open.said, farewell, name);
  }
}

async function assertRevoked(
  device: string,
  kind: Kind,
  credential: Credential,
  revoke: () => Promise<unknown>,
): Promise<void> {
  const { held, upload } = await present(device, kind, credential);
  const stored = (await organisation().getLedger({ device })).readings.stored;
  await revoke();
  const answered = awakeMilliseconds();
  assert.equal(await next(device, kind, credential), refused[kind]);
  if (upload !== undefined) assert.is(await upload.finish(), 401, 'a body that was under way');
  await assertEnded(held, answered);
  const { readings } = await organisation().getLedger({ device });
  // A credential that takes the place of another does so by a delivery.
  assert.ok(readings.stored - stored <= 1, 'something of it was stored');
}

/** Situations that are played at the same time, each on a device of its own; and how each came out. */
const situations = new Map<string, () => Promise<void>>();
const played = new Map<string, Promise<void>>();

function situation(name: string, play: () => Promise<void>): void {
  situations.set(name, play);
  test(name, () => played.get(name));
}

test.before(async () => {
  temporary = await temporaryCloud({ sockets: freeSocketPorts });
  await organisation().patchOrganisation({ body: { sockets: 'all' } });
  for (const [name, play] of situations) played.set(name, play());
  await Promise.allSettled(played.values());
});
test.after(() => temporary.end());

for (const kind of kinds) {
  situation(`a ${kind} is revoked`, async () => {
    const { device, credentials } = await softwareDevice();
    const credential = credentials[kind];
    await assertRevoked(device, kind, credential, () =>
      organisation().deleteDeviceCredential({ device, credential: credential.id }),
    );
  });

  situation(`a ${kind} is switched off, which ends nothing else of its device`, async () => {
    const { device, credentials } = await softwareDevice();
    const others = kinds.filter((other) => other !== kind);
    const kept = await Promise.all(others.map((other) => present(device, other, credentials[other])));
    const body = { status: 'inactive' } as const;
    const credential = credentials[kind];
    const revoke = () => organisation().patchDeviceCredential({ device, credential: credential.id, body });
    const { held, upload } = await present(device, kind, credential);
    await revoke();
    const answered = awakeMilliseconds();
    assert.equal(await next(device, kind, credential), refused[kind]);
    if (upload !== undefined) assert.is(await upload.finish(), 401);
    await assertEnded(held, answered);
    // What ends anything looks once a second: it has looked by now.
    for (const { held, upload } of kept) {
      for (const { name, open } of held) assert.is(open.ended, undefined, name);
      for (const { open } of held) open.close();
      if (upload !== undefined) assert.is(await upload.finish(), 200);
    }
    for (const other of others) {
      assert.not.equal(await next(device, other, credentials[other]), refused[other], other);
    }
  });

  situation(`a ${kind} is replaced: it ends when the new one is first used, and not before`, async () => {
    const { device, credentials } = await softwareDevice();
    const body = { kind, name: 'the new one' };
    const made = await organisation().createDeviceCredential({ device, body });
    temporary.cloud.service.watchFor(made.secret, `a device's new ${kind}`);
    await assertRevoked(device, kind, credentials[kind], async () => {
      const used = kind === 'key' ? await connects(temporary.cloud, made, device) : await deliver(kind, made);
      assert.ok([200, 'in', 'OK 1'].includes(used), String(used));
    });
  });
}

situation('a device is switched off: whatever it delivers by ends', async () => {
  const { device, credentials } = await softwareDevice();
  const all = await Promise.all(kinds.map((kind) => present(device, kind, credentials[kind])));
  await organisation().patchDevice({ device, body: { enabled: false } });
  const answered = awakeMilliseconds();
  await Promise.all(
    kinds.map(async (kind) => assert.equal(await next(device, kind, credentials[kind]), refused[kind], kind)),
  );
  for (const { upload } of all) if (upload !== undefined) assert.is(await upload.finish(), 401);
  await assertEnded(
    all.flatMap(({ held }) => held),
    answered,
  );
  await organisation().patchDevice({ device, body: { enabled: true } });
  assert.is(await post(temporary.cloud, credentials.token.secret), 200);
});

situation('a gateway is switched off: its link ends, and its certificate is good for nothing', async () => {
  const identity = await enrolIdentity(temporary.cloud, `gateway-${randomUUID()}`);
  const open = await gatewayLink(temporary.cloud, identity);
  await organisation().patchDevice({ device: identity.id, body: { enabled: false } });
  const answered = awakeMilliseconds();
  await connectGateway(temporary.cloud.mqttPort, identity).then(
    () => assert.unreachable('a gateway that is switched off was let in'),
    (error: Error) => assert.match(error.message, /not authorized/i),
  );
  await assertEnded([{ name: 'a gateway', open, farewell: /"device-disabled"/ }], answered);
});

test('an organisation lets in less by socket: what is not let in any more ends, and nothing else', async () => {
  const { device, credentials } = await softwareDevice();
  const both = async (transport: 'tcp' | 'tls') => ({
    token: await line(transport, tokenLine(credentials['socket-token'].secret)),
    signed: await line(transport, signedLine(credentials['socket-key'])),
  });
  const [tcp, tls] = [await both('tcp'), await both('tls')];
  const steps = [
    { sockets: 'signed', ends: [tcp.token], keeps: [tcp.signed, tls.token, tls.signed] },
    { sockets: 'tls', ends: [tcp.signed], keeps: [tls.token, tls.signed] },
    { sockets: 'off', ends: [tls.token, tls.signed], keeps: [] },
  ] as const;
  for (const { sockets, ends, keeps } of steps) {
    await organisation().patchOrganisation({ body: { sockets } });
    await assertEnded(ends, awakeMilliseconds());
    assert.equal(
      keeps.map(({ open }) => open.ended),
      keeps.map(() => undefined),
      sockets,
    );
  }
  for (const kind of ['socket-token', 'socket-key'] as const) {
    assert.equal(await next(device, kind, credentials[kind]), refused[kind], kind);
  }
  await organisation().patchOrganisation({ body: { sockets: 'all' } });
});

test('an organisation’s cut-off is of people and programs: its sites go on delivering', async () => {
  const { device, credentials } = await softwareDevice();
  const all = await Promise.all(kinds.map((kind) => present(device, kind, credentials[kind])));
  await organisation().cutOffOrganisation();
  await temporary.cloud.client.logIn({ body: temporary.cloud.login });
  await elapsed(promised);
  for (const { upload } of all) if (upload !== undefined) assert.is(await upload.finish(), 200);
  for (const { name, open } of all.flatMap(({ held }) => held)) {
    assert.is(open.ended, undefined, name);
    open.close();
  }
});

test('one that expires ends by itself', async () => {
  const { device, credentials } = await softwareDevice();
  let expires = 0;
  // A day is the least that can be said; the cloud is made to believe in less.
  const restart = (seconds: number) =>
    temporary.restart(() => {
      const database = openStateDatabase(temporary.state);
      expires = Date.now() + seconds * 1000;
      const change = database.prepare('UPDATE device_credential SET expires = ? WHERE id = ?');
      for (const kind of kinds) assert.is(change.run(expires, credentials[kind].id).changes, 1);
      database.close();
    });
  const begin = () => Promise.all(kinds.map((kind) => present(device, kind, credentials[kind])));
  await restart(12);
  const all = await begin().catch(async (error) => {
    // This machine took longer than that for the start of the cloud and for what is to be open.
    if (Date.now() < expires) throw error;
    await restart(24);
    return await begin();
  });
  await elapsed(Math.max(expires - Date.now(), 0));
  const answered = awakeMilliseconds();
  for (const { upload } of all) if (upload !== undefined) assert.is(await upload.finish(), 401);
  for (const kind of kinds) assert.equal(await next(device, kind, credentials[kind]), refused[kind], kind);
  await assertEnded(
    all.flatMap(({ held }) => held),
    answered,
  );
});

test.run();
