// @long
import { type TLSSocket, connect as tlsConnect } from 'node:tls';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { applicationPrefix, gatewayTopic } from '@loadline/sdk/contract';
import { tagName } from '@loadline/sdk/t24';
import { type Entry, encodeBatch } from '@loadline/sdk/telemetry';
import { createParser } from 'eventsource-parser';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Doors, openDoors, ours, type Proof, until, Wire } from './test-doors.ts';

/** Followers whose sockets nobody reads, over real TLS, while much is committed. */

const test = suite('slow followers');

const tags = Array.from({ length: 40 }, (_, index) => 0x1000 + index);
/** Readings of each tag in one delivery. */
const each = 400;
/** More than the kernel's buffers take on both sides, and than a follower may leave unread. */
const deliveries = 30;
/** Bytes that this process may hold for what two followers do not read: all of it is 10 MB for each. */
const mostGrowth = 6 * 1024 * 1024;

let doors: Doors;
let proof: Proof;
let gateway: Wire;
let cookie: string;
let key: { id: string; secret: string };
const boot = 'b0'.repeat(16);
const epoch = 'e0'.repeat(16);
const started = Date.now() - 600_000;
let first = 0;
let value = 0;

test.before(async () => {
  doors = await openDoors();
  proof = await doors.prove(ours);
  gateway = await Wire.open(doors, proof, ours);
  cookie = Object.entries(doors.client.cookies)
    .map(([name, content]) => `${name}=${content}`)
    .join('; ');
  const application = await doors.organisation.createApplication({ body: { name: 'slow' } });
  key = await doors.organisation.createApplicationKey({
    application: application.id,
    body: { name: 'slow' },
  });
});
test.after(async () => {
  gateway.socket.destroy();
  await doors.close();
});

/** Delivers readings of all tags, each with a value that is greater than all before, and waits for the PUBACK. */
async function deliver(count = each): Promise<void> {
  const entries: Entry[] =
    first === 0 ? [{ kind: 'anchor', monotonic: 0, wall: started, uncertainty: 1 }] : [];
  for (let turn = 0; turn < count; turn++) {
    value += 1;
    for (const tag of tags) {
      entries.push({
        ...{ kind: 'reading', port: 'radio', base: 1, tag, aspect: 'heard', calibration: undefined },
        ...{ monotonic: value, value: { type: 'float32', value }, flags: 0, status: 0 },
        quality: { kind: 'none' },
      });
    }
  }
  const header = { epoch, boot, parent: undefined, oldest: first, first, dropped: [] };
  first += entries.length;
  const before = gateway.packets.filter(({ cmd }) => cmd === 'puback').length;
  gateway.send({
    ...{
      cmd: 'publish',
      topic: gatewayTopic(ours, 'telemetry'),
      payload: Buffer.from(encodeBatch(header, entries)),
    },
    ...{ qos: 1, messageId: 1, retain: false, dup: false },
  });
  await gateway.got('puback', before + 1);
}

/** What a follower has heard of each tag: readings told and left out, and the last value. */
class Account {
  readonly tags = new Map<string, { told: number; skipped: number; last: number }>();

  take(one: { tag: string; points: [number, number | null][]; skipped?: number | undefined }): void {
    const known = this.tags.get(one.tag) ?? { told: 0, skipped: 0, last: 0 };
    known.told += one.points.length;
    known.skipped += one.skipped ?? 0;
    known.last = one.points.at(-1)?.[1] ?? 0;
    this.tags.set(one.tag, known);
  }

  /** Whether it has the newest of every tag. */
  isUpTo(newest: number): boolean {
    return tags.every((tag) => this.tags.get(tagName(tag))?.last === newest);
  }
}

/** Follows the server-sent events on a socket of its own. */
class Stream {
  readonly account = new Account();
  readonly socket: TLSSocket;
  isOpen = false;

  constructor() {
    this.socket = tlsConnect({ host: 'localhost', port: doors.https.port, ca: doors.authorityPem });
    this.socket.on('error', () => {});
    const parser = createParser({
      onEvent: ({ event, data }) => {
        if (event === 'readings') for (const one of JSON.parse(data)) this.account.take(one);
      },
    });
    let head = '';
    this.socket.setEncoding('utf8').on('data', (text: string) => {
      if (head.endsWith('\r\n\r\n')) {
        parser.feed(text);
        return;
      }
      head += text;
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      parser.feed(head.slice(end + 4));
      head = head.slice(0, end + 4);
      this.isOpen = true;
    });
    // Of HTTP/1.0 the answer comes without chunks.
    this.socket.write(
      `GET /api/v1/organisations/first/live HTTP/1.0\r\nHost: localhost:${doors.https.port}\r\nCookie: ${cookie}\r\n\r\n`,
    );
  }
}

async function subscribe(clientId: string): Promise<Wire> {
  const wire = new Wire({ port: doors.mqtt.port, ca: doors.authorityPem });
  wire.send({
    ...{ cmd: 'connect', clientId, clean: true, keepalive: 60, protocolId: 'MQTT', protocolVersion: 4 },
    ...{ username: key.id, password: Buffer.from(key.secret) },
  });
  await wire.got('connack');
  await wire.subscribe(`${applicationPrefix('first')}devices/+/readings`);
  return wire;
}

const topic = `${applicationPrefix('first')}devices/${ours}/readings`;
const notices = (wire: Wire) => wire.on(`${applicationPrefix('first')}notice`);

function accountOf(wire: Wire): Account {
  const account = new Account();
  for (const one of wire.on(topic)) account.take(one as never);
  return account;
}

/** Bytes that this process holds on to. */
function heldBytes(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Delivers more than the kernel's buffers take, and waits for whoever keeps up. */
async function flood(isUpToDate: () => boolean): Promise<void> {
  await deliver();
  const before = heldBytes();
  for (let n = 1; n < deliveries; n++) {
    await deliver();
    await until(isUpToDate, 'who keeps up');
  }
  const growth = () => heldBytes() - before;
  await until(() => growth() < mostGrowth, `${Math.round(growth() / 1024)} KiB less`, 3000);
}

test('a stream that nobody reads holds nobody up, costs bounded memory, and goes on with what is newest', async () => {
  const slow = new Stream();
  const quick = new Stream();
  await until(() => slow.isOpen && quick.isOpen, 'both streams');
  const start = value;
  await deliver(1);
  await until(() => slow.account.isUpTo(value) && quick.account.isUpTo(value), 'both streams');
  slow.socket.pause();
  await flood(() => quick.account.isUpTo(value));
  // Not one of them missed anything.
  for (const { told, skipped } of quick.account.tags.values())
    assert.equal([told, skipped], [value - start, 0]);
  slow.socket.resume();
  await until(() => slow.account.isUpTo(value), 'what is newest');
  const counts = [...slow.account.tags.values()];
  assert.ok(counts.every(({ told, skipped }) => skipped > 0 && told + skipped === value - start));
  // And then it is as any other.
  await deliver(1);
  await until(() => slow.account.isUpTo(value), 'the next');
  for (const { told, skipped } of slow.account.tags.values()) assert.is(told + skipped, value - start);
  for (const { socket } of [slow, quick]) socket.destroy();
});

test('neither does a link of an application that does not read', async () => {
  const slow = await subscribe('slow');
  const quick = await subscribe('quick');
  const start = value;
  slow.socket.pause();
  await flood(() => {
    if (!accountOf(quick).isUpTo(value)) return false;
    // What it was sent is not the door's to hold.
    quick.packets.length = 0;
    return true;
  });
  assert.equal(notices(quick), []);
  slow.socket.resume();
  await until(() => accountOf(slow).isUpTo(value), 'what is newest');
  assert.ok(notices(slow).some(({ code }) => code === 'messages-skipped'));
  for (const { told, skipped } of accountOf(slow).tags.values()) assert.is(told + skipped, value - start);
  for (const { socket } of [slow, quick]) socket.destroy();
});

test.run();
