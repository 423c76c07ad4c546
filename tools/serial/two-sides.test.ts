// @long
// @time-limit 300 s
// Several simulated base stations, and a recorder between a program and its port: real ttys, real commands.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readBothSides, until } from '@loadline/hil-tests';
import { decodePacket, encodeFrame, encodePacket, Framer, type Packet, powerPacket } from '@loadline/sdk/t24';
import { SerialPort } from 'serialport';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { endAll, start } from './test-commands.ts';

const test = suite('loadline simulate and record, both sides');

const folder = mkdtempSync(join(tmpdir(), 'loadline-two-sides-'));

test.after(() => {
  endAll();
  rmSync(folder, { recursive: true });
});

/** A program that has a port open: the packets it has heard, and from which base station. */
async function host(path: string) {
  const framer = new Framer();
  const heard: { base: number; packet: Packet }[] = [];
  const port = new SerialPort({ path, baudRate: 115_200 });
  port.on('data', (chunk: Buffer) => {
    for (const framed of framer.push(chunk)) {
      if (framed.kind === 'frame') heard.push({ base: framed.base, packet: decodePacket(framed.packet) });
    }
  });
  await new Promise((resolve) => port.once('open', resolve));
  const rssi = () =>
    heard.map(({ packet }) => (packet.kind === 'dataProvider' ? (packet.rssi << 24) >> 24 : Number.NaN));
  return { port, heard, rssi, close: () => new Promise<void>((resolve) => port.close(() => resolve())) };
}

test('two simulated base stations hear one site, the second from farther away; each is recorded', async () => {
  const link = join(folder, 'site');
  const file = join(folder, 'site.hex');
  const simulating = start(
    'simulate',
    ...['--link', link, '--stations', '2', '--base', '16', '--metres', '20', '--record', file, '--seed', '5'],
    ...['--transmitter', 'load:FE56:20', '--transmitter', 'pulse:0040:50', '--json'],
  );
  await simulating.ready();
  const [near, far] = [await host(link), await host(`${link}-2`)];
  await until(() => near.heard.length >= 40 && far.heard.length >= 20, { limitMs: 60_000 });
  assert.ok(near.heard.every(({ base }) => base === 16) && far.heard.every(({ base }) => base === 1));
  // Twice as far is 7.5 dB, and each way has its own ups and downs.
  assert.ok(Math.max(...near.rssi()) > Math.max(...far.rssi()) - 2);
  simulating.child.kill('SIGTERM');
  const [began, sum] = await simulating.lines();
  await Promise.all([near.close(), far.close()]);
  assert.equal(began?.ports, [link, `${link}-2`]);
  assert.ok((sum as unknown as { air: { heard: number }[] }).air.every(({ heard }) => heard >= 20));
  for (const [path, base] of [
    [file, 16],
    [`${file}-2`, 1],
  ] as const) {
    const pieces = readBothSides(readFileSync(path, 'utf8')) ?? [];
    const framed = new Framer().push(Buffer.concat(pieces.map(({ bytes }) => bytes)));
    assert.ok(framed.length >= 20 && framed.every((each) => each.kind === 'frame' && each.base === base));
  }
});

test('record in the middle: a program commands a module through it, and both sides are in the recording', async () => {
  const [link, middle] = [join(folder, 'real'), join(folder, 'middle')];
  const file = join(folder, 'talk.hex');
  const simulating = start('simulate', '--link', link, '--transmitter', 'load:FE56:50', '--json');
  await simulating.ready();
  const recording = start('record', link, '--out', file, '--through', middle, '--json');
  await recording.ready();
  const program = await host(middle);
  const from = (id: number) =>
    program.heard.some(({ packet }) => packet.kind === 'ack' && packet.from === id);
  await until(() => program.heard.length >= 5, { limitMs: 60_000 });
  const asleep = encodeFrame(1, encodePacket(powerPacket('sleep', 0xf0fe56)));
  program.port.write(asleep);
  await until(() => from(0xf0fe56), { limitMs: 60_000 });
  recording.child.kill('SIGTERM');
  const [began, sum] = await recording.lines();
  await program.close();
  simulating.child.kill('SIGTERM');
  await simulating.lines();
  assert.equal(began, { port: middle });
  const pieces = readBothSides(readFileSync(file, 'utf8')) ?? [];
  assert.is(
    sum?.bytes,
    pieces.reduce((bytes, piece) => bytes + piece.bytes.length, 0),
  );
  const sent = pieces.filter((piece) => piece.from === 'host').map(({ bytes }) => bytes);
  assert.equal(Buffer.concat(sent), Buffer.from(asleep));
  const said = new Framer().push(
    Buffer.concat(pieces.filter((each) => each.from === 'station').map(({ bytes }) => bytes)),
  );
  // The module obeyed: after its answer nothing came any more.
  const kinds = said.map((each) => each.kind === 'frame' && decodePacket(each.packet).kind);
  assert.is(kinds.indexOf('ack'), kinds.length - 1);
});

test('what cannot be simulated is said before anything is opened', async () => {
  const refused = async (...args: string[]) => {
    const command = start('simulate', ...args);
    await command.end();
    return [command.child.exitCode, command.said.errors] as const;
  };
  const [[gw1, why], [interval], [stations]] = await Promise.all([
    refused('--driver', 'gw1', '--transmitter', 'strain:1234'),
    refused('--transmitter', 'strain:1234:50'),
    refused('--stations', '17'),
  ]);
  assert.equal([gw1, interval, stations], [1, 2, 2]);
  assert.match(why, /^loadline simulate: a GW1 sends numbers as text/);
});

test.run();
