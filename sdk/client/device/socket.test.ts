import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { limits } from '../../contract/index.ts';
import { isSigned, readLine, socketSecret, writeReply } from '../../socket/index.ts';
import { DeviceClient, type DeviceEvent } from './index.ts';

const test = suite('device client by socket');

const key = { id: 'sock_AAAAAAAAAAAAAAAAAAAAAAAA', secret: Buffer.alloc(32, 7).toString('base64url') };
const secret = socketSecret(key.secret);

/** A far end that answers each line as it is told to; undefined closes the connection without an answer. */
async function farEnd(answer: (line: string, counter: string) => string | undefined) {
  const lines: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    createInterface({ input: socket }).on('line', (line) => {
      lines.push(line);
      const said = answer(line, line.split(' ')[2] ?? '');
      if (said === undefined) socket.destroy();
      else socket.write(`${said}\n`);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const events: DeviceEvent[] = [];
  const device = await DeviceClient.open({
    transport: { kind: 'socket', url: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`, key },
    retry: { base: 1, cap: 5, refused: 50 },
    onEvent: (event) => events.push(event),
  });
  return {
    device,
    events,
    lines,
    close: async () => {
      await device.close({ within: 0 });
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

const ok = (readings: number, id: string) => writeReply({ kind: 'stored', readings }, { id, secret });

test('lines are signed, short enough, and each has a counter of its own that a resend keeps', async () => {
  let closed = 0;
  const { device, lines, close } = await farEnd((line, counter) => {
    if (lines.length % 7 === 0 && closed < 20) {
      closed += 1;
      return undefined;
    }
    return ok(line.split(' ').length - 4, counter);
  });
  for (let value = 0; value < 3000; value++) device.send({ n: value, note: 'x'.repeat(20) });
  assert.is((await device.flush()).delivered, 6000);
  assert.ok(closed > 5);
  const byCounter = new Map<string, string>();
  for (const line of lines) {
    assert.ok(Buffer.byteLength(line) < limits.socketLineBytes);
    const read = readLine(Buffer.from(line));
    assert.is(read.kind, 'signed');
    if (read.kind !== 'signed') continue;
    assert.ok(isSigned(read, secret));
    const counter = String(read.counter);
    assert.is(byCounter.get(counter) ?? line, line);
    byCounter.set(counter, line);
  }
  const counters = [...byCounter.keys()].map(Number);
  assert.equal(
    counters,
    [...counters].sort((one, other) => one - other),
  );
  assert.ok(byCounter.size > 20);
  await close();
});

test('an answer that is not signed stores nothing, rejects nothing, and is asked for again', async () => {
  const forged = [
    (id: string) => writeReply({ kind: 'stored', readings: 1 }, { id }),
    () => 'OK 1',
    (id: string) => writeReply({ kind: 'stored', readings: 1 }, { id, secret: Buffer.alloc(32, 8) }),
    (id: string) => writeReply({ kind: 'error', code: 'readings-malformed', reason: 'no' }, { id }),
    () => writeReply({ kind: 'error', code: 'internal', reason: 'no' }),
    () => 'HTTP/1.1 400 Bad Request',
    () => ok(1, '17'),
  ];
  const { device, lines, events, close } = await farEnd((_, counter) =>
    lines.length > forged.length ? ok(1, counter) : forged[lines.length - 1]?.(counter),
  );
  device.send({ temp: 21.5 });
  assert.equal(await device.flush(), { delivered: 1, rejected: [], dropped: 0 });
  assert.is(lines.length, forged.length + 1);
  assert.is(new Set(lines).size, 1);
  assert.equal([...new Set(events.map(({ kind }) => kind))], ['waiting', 'delivered']);
  await close();
});

test('a line that is rejected is told, the others are stored, and a limit holds up only what is left', async () => {
  const seen = new Map<string, number>();
  const { device, lines, events, close } = await farEnd((line, id) => {
    seen.set(id, (seen.get(id) ?? 0) + 1);
    const index = [...seen.keys()].indexOf(id);
    if (index === 1)
      return writeReply({ kind: 'error', code: 'readings-limit', reason: 'too many' }, { id, secret });
    if (index === 3 && seen.get(id) === 1) return writeReply({ kind: 'limited', seconds: 1 }, { id, secret });
    return ok(line.split(' ').length - 4, id);
  });
  for (let value = 0; value < 1000; value++) device.send({ n: value });
  const { delivered, rejected } = await device.flush();
  assert.is(rejected.length, 1);
  assert.is(delivered + (rejected[0]?.readings ?? 0), 1000);
  assert.is(lines.length, seen.size + 1);
  const waiting = events.find(({ kind }) => kind === 'waiting');
  if (waiting?.kind === 'waiting') assert.equal([waiting.for, waiting.code], ['limit', 'rate-limited']);
  assert.is(waiting?.kind, 'waiting');
  await close();
});

test('an end that says the credential is none any more is told as that', async () => {
  let isGood = false;
  const { device, close } = await farEnd((_, id) =>
    isGood ? ok(1, id) : writeReply({ kind: 'error', code: 'unauthenticated', reason: 'it opens nothing' }),
  );
  device.send({ temp: 1 });
  const error = await device.flush().catch((caught: Error) => caught);
  assert.match(
    String(error),
    /UndeliveredError: 1 readings .* let this device in \(unauthenticated\): it opens nothing/,
  );
  isGood = true;
  const until = performance.now() + 30_000;
  while (device.standing.delivered === 0 && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.is(device.standing.delivered, 1);
  await close();
});

test.run();
