import { randomBytes } from 'node:crypto';
import { limits } from '@loadline/sdk/contract';
import { createAuthority, generateKeyPair, softwareSigner } from '@loadline/sdk/identity';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openConnection } from '../../store/database.ts';
import {
  type Doors,
  fingerprintOf,
  neighbour,
  openDoors,
  ours,
  type Proof,
  until,
  Wire,
} from '../test-doors.ts';

const test = suite('who came to the MQTT door, in the audit log');

let doors: Doors;
/** The last entry of each chain before the test. */
const before = new Map<string | null, number>();
test.before(async () => {
  doors = await openDoors();
});
test.before.each(async () => {
  for (const chain of ['first', null]) before.set(chain, (await entriesOf(chain)).at(-1)?.sequence ?? 0);
});
test.after(() => doors.close());

async function entriesOf(chain: string | null) {
  await doors.authentications.flush();
  const { entries } = await doors.store.read('audit', { organisation: chain, limit: 1000 });
  return entries.sort((one, other) => one.sequence - other.sequence);
}

/** Everything told of this door since the test began, the oldest first. */
async function told(chain: string | null) {
  const since = before.get(chain) ?? 0;
  return (await entriesOf(chain)).filter(({ channel, sequence }) => channel === 'mqtt' && sequence > since);
}

type Told = Awaited<ReturnType<typeof told>>[number];

const inShort = ({ actor, action, target, code, personal }: Told) => [
  `${actor.kind} ${actor.id}`.trim(),
  action,
  target && `${target.kind} ${target.id}`,
  code,
  (personal as { source?: string } | null)?.source !== undefined,
];

const counted = (entries: readonly Told[]) =>
  entries.map(({ after }) => (after as { attempts: number }).attempts).reduce((sum, one) => sum + one, 0);

/** The return code of a CONNECT, once its link has ended. */
async function refusal(proof: Proof, id: string): Promise<number | undefined> {
  const wire = new Wire({ port: doors.mqtt.port, ca: doors.authorityPem, ...proof });
  wire.connect(id);
  const [connack] = await wire.got('connack');
  await wire.ended();
  return connack?.cmd === 'connack' ? connack.returnCode : undefined;
}

async function say(
  credentials: { username?: string; password?: Buffer },
  clientId = 'program',
): Promise<Wire> {
  const wire = new Wire({ port: doors.mqtt.port, ca: doors.authorityPem });
  const protocol = { protocolId: 'MQTT', protocolVersion: 4 } as const;
  wire.send({ cmd: 'connect', clientId, clean: true, keepalive: 30, ...protocol, ...credentials });
  await wire.got('connack');
  return wire;
}

async function makeKey(name: string) {
  const { organisation } = doors;
  const { id: application } = await organisation.createApplication({ body: { name, devices: null } });
  const { id, secret } = await organisation.createApplicationKey({ application, body: { name } });
  return { id, credentials: { username: id, password: Buffer.from(secret) } };
}

/** A certificate that no authority of ours made. */
async function selfSigned(commonName: string): Promise<Proof> {
  const { privateKeyPem } = await generateKeyPair();
  const signer = softwareSigner(privateKeyPem);
  const day = 86_400_000;
  const term = { notBefore: Date.now() - day, notAfter: Date.now() + day, serial: randomBytes(16) };
  return { key: privateKeyPem, cert: createAuthority({ commonName, signer, ...term }) };
}

test('each session of a gateway is in its organisation’s chain', async () => {
  const proof = await doors.prove(ours);
  for (let n = 0; n < 2; n++) (await Wire.open(doors, proof, ours)).socket.destroy();
  const one = ['gateway mast', 'session.create', 'device mast', null, true];
  assert.equal((await told('first')).map(inShort), [one, one]);
  assert.equal(await told(null), []);
});

test('a gateway whose link flaps does not fill the log, and no session of it goes uncounted', async () => {
  const proof = await doors.prove(neighbour);
  for (let n = 0; n < 12; n++) (await Wire.open(doors, proof, neighbour)).socket.destroy();
  const entries = await told('first');
  assert.is(entries.length, 4);
  assert.is(counted(entries), 12);
});

test('a certificate that is somebody else’s, revoked, expired, or of no gateway, is refused and told of', async () => {
  const proof = await doors.prove(ours);
  const stranger = await doors.prove('stranger');
  assert.is(await refusal(proof, neighbour), 2);
  assert.is(await refusal(stranger, 'stranger'), 5);
  doors.clock.offset = 3 * 366 * 86_400_000;
  assert.is(await refusal(proof, ours), 5);
  doors.clock.offset = 0;
  const connection = openConnection(doors.database, 'write');
  connection.prepare('UPDATE certificate SET revoked = 1 WHERE fingerprint = ?').run(fingerprintOf(proof));
  connection.close();
  await doors.directory.reload();
  assert.is(await refusal(proof, ours), 5);
  const about = (code: string) => ['nobody', 'session.create', 'device mast', code, true];
  assert.equal(
    (await told('first')).map(inShort),
    ['identity-mismatch', 'certificate-expired', 'certificate-revoked'].map(about),
  );
  const unknown = ['nobody', 'session.create', 'device stranger', 'gateway-unknown', true];
  assert.equal((await told(null)).map(inShort), [unknown]);
});

test('who shows a certificate of his own making with a gateway’s name is told of; any other name is not kept', async () => {
  for (const name of [ours, 'nobody-we-know', 'My password is: hunter22']) {
    const proof = await selfSigned(name);
    const refused = () => doors.lines.filter(({ event }) => event === 'mqtt-handshake-refused').length;
    const earlier = refused();
    const wire = new Wire({ port: doors.mqtt.port, ca: doors.authorityPem, ...proof });
    wire.connect(ours);
    await wire.ended();
    await until(() => refused() > earlier, 'the refusal');
  }
  const about = (id: string) => ['nobody', 'session.create', `device ${id}`, 'certificate-refused', true];
  assert.equal((await told('first')).map(inShort), [about(ours)]);
  assert.equal((await told(null)).map(inShort), [about('nobody-we-know')]);
});

test('each session of an application key is in its organisation’s chain, and why one was refused', async () => {
  const { id, credentials } = await makeKey('sessions');
  const links = [await say(credentials)];
  links.push(await say({ username: id, password: Buffer.from('A'.repeat(43)) }));
  links.push(await say(credentials, 'no client id'));
  const key = `application-key ${id}`;
  assert.equal((await told('first')).map(inShort), [
    [key, 'session.create', key, null, true],
    ['nobody', 'session.create', key, 'secret', true],
    ['nobody', 'session.create', key, 'identity-mismatch', true],
  ]);
  for (let n = 0; n < limits.applicationLinks; n++) links.push(await say(credentials, `program-${n}`));
  assert.ok((await told('first')).some(({ code }) => code === 'too-many-links'));
  for (const { socket } of links) socket.destroy();
});

test('who shows nothing, or what cannot be a key, is in the fleet’s chain, and nothing of what he showed', async () => {
  await say({});
  for (let n = 0; n < 30; n++) await say({ username: 'admin', password: Buffer.from('hunter22') });
  const entries = await told(null);
  assert.equal(entries.map(inShort), [
    ['nobody', 'session.create', null, 'unauthenticated', true],
    ['nobody', 'session.create', null, 'malformed', true],
    ['nobody', 'session.create', null, 'malformed', true],
  ]);
  assert.is(counted(entries), 31);
  assert.not.match(JSON.stringify(entries), /hunter22|admin/);
  assert.equal(await told('first'), []);
});

test.run();
