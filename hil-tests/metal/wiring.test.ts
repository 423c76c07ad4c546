// @long
// SIMULATED: ptys that another process made stand for adapters; the speeds that were set on them count, and are looked at.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type FarSide, type ForeignPorts, startFarSide } from './far-side/start.ts';
import { RealPort } from './real-port.ts';
import { lookAtLoop, wrongWith } from './wiring.ts';

const test = suite('the wiring check of two ports');

let folder: string;
const started: ForeignPorts[] = [];
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loadline-wiring-'));
});
test.after(async () => {
  for (const one of started) await one.end();
  await rm(folder, { recursive: true });
});

async function look(wires: Extract<FarSide, { kind: 'cable' }>['wires']) {
  const far = await startFarSide({ kind: 'cable', folder: join(folder, wires), wires });
  started.push(far);
  const [left = '', right = ''] = far.paths;
  const radio = await RealPort.open(left);
  const gateway = await RealPort.open(right);
  const loop = await lookAtLoop(radio, gateway);
  assert.equal([radio.baud, gateway.baud], [115_200, 115_200], 'left at the speed it was called with');
  await radio.close();
  await gateway.close();
  return { loop, wrong: wrongWith(loop, { radio: left, gateway: right })?.message };
}

/** All of them at once: each mostly waits. */
let seen: Record<Extract<FarSide, { kind: 'cable' }>['wires'], Awaited<ReturnType<typeof look>>>;
test.before(async () => {
  const [crossed, straight, oneWay, bridged, long, inverted] = await Promise.all([
    look('crossed'),
    look('straight'),
    look('one-way'),
    look('bridged'),
    look('long'),
    look('inverted'),
  ]);
  seen = { crossed, straight, 'one-way': oneWay, bridged, long, inverted };
});

test('a null modem passes', () => {
  const { loop, wrong } = seen.crossed;
  assert.is(wrong, undefined);
  assert.equal([loop.there.kind, loop.back.kind, loop.follows], ['whole', 'whole', undefined]);
});

test('silence both ways says that TX and RX may be swapped, and how to find out', () => {
  assert.match(seen.straight.wrong ?? '', /no byte comes across .*TX and RX may be swapped/);
});

test('silence both ways on a cable whose modem lines work says that it is TX and RX', () => {
  const nothing = { kind: 'nothing' } as const;
  const loop = { baud: 115_200, there: nothing, back: nothing, echo: [], wholeAt: undefined };
  const paths = { radio: '/dev/a', gateway: '/dev/b' };
  const quiet = { radio: 0, gateway: 0 };
  const found = wrongWith({ ...loop, before: quiet, follows: true }, paths);
  assert.match(found?.message ?? '', /the cable .* is there .*TX and RX are not crossed/);
  const hums = wrongWith({ ...loop, before: { radio: 0, gateway: 9 }, follows: true }, paths);
  assert.match(hums?.message ?? '', /9 bytes came at \/dev\/b before anything was sent/);
});

test('one wire that is missing is named by its ends', () => {
  assert.match(seen['one-way'].wrong ?? '', /TX of \S+ttyUSB1 to RX of \S+ttyUSB0/);
});

test('a port that hears itself is named', () => {
  assert.match(seen.bridged.wrong ?? '', /comes back on the same port: TX and RX are bridged/);
});

test('a line that is too fast for the cable says at which speed it carries', () => {
  const { loop, wrong } = seen.long;
  assert.is(loop.wholeAt, 38_400);
  assert.match(wrong ?? '', /at 115200 baud bytes come across damaged .*at 38400 baud they come whole/);
});

test('a line that damages at every speed is no matter of speed', () => {
  assert.match(seen.inverted.wrong ?? '', /at every lower speed too.*swap A and B/);
});

test.run();
