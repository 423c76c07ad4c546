// A network that freezes, resets and goes half-open: every reading that was heard arrives at the far end.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import {
  FaultProxy,
  loadTransmitter,
  Program,
  until,
  VirtualBaseStation,
  VirtualPort,
  VirtualRadio,
} from '@loadline/hil-tests';

/** The far end: takes lines `NUMBER LINE`, answers each with its number, and keeps it. */
async function farEnd() {
  const arrived = new Map<number, string>();
  const server = createServer((socket) => {
    const lines = createInterface({ input: socket });
    lines.on('line', (line) => {
      const [number = '', ...words] = line.split(' ');
      arrived.set(Number(number), words.join(' '));
      socket.write(`${number}\n`);
    });
    for (const stream of [socket, lines]) stream.on('error', () => undefined);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { arrived, port, [Symbol.dispose]: () => server.close() };
}

test('my gateway delivers every reading, whatever the network does', async () => {
  using far = await farEnd();
  await using proxy = await FaultProxy.open({ target: { port: far.port } });
  await using port = await VirtualPort.open();
  const station = new VirtualBaseStation(port);
  using radio = new VirtualRadio(station, [loadTransmitter({ tag: 0x1a2b, intervalMs: 20 })]);
  await using gateway = new Program('node', ['gateway.ts', port.path, `127.0.0.1:${proxy.port}`]);
  await gateway.said(/^radio found/);
  radio.start();

  /** Waits until this many more have arrived. */
  const more = async (count: number, what: string) => {
    const wanted = far.arrived.size + count;
    await until(() => far.arrived.size >= wanted, { limitMs: 15_000, what: `${count} more arrive: ${what}` });
  };
  await more(20, 'a good network');
  await proxy.set({ latencyMs: 100, loss: { rate: 0.05 }, bytesPerSecond: 4000 });
  await more(20, 'a slow one that loses');
  await proxy.clear();
  proxy.reset();
  await more(20, 'all connections were reset');
  proxy.halfOpen();
  await more(20, 'neither end was told that the other is gone');
  await proxy.set({ newConnections: 'refuse' });
  proxy.reset();
  await gateway.says(/^1A2B /, { times: 20 });
  await proxy.clear();
  await more(20, 'it had been refused');

  radio.stop();
  await radio.idle();
  await port.drained();
  const told = () => gateway.lines.filter((line) => line.startsWith('1A2B '));
  await until(() => told().length === radio.packetsSent && far.arrived.size === radio.packetsSent, {
    what: 'the last ones',
  });
  const inOrder = [...far.arrived].sort(([one], [other]) => one - other).map(([, line]) => line);
  assert.deepEqual(inOrder, told(), 'each arrived as it was told, and none is missing');
});
