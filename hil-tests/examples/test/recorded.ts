// A line is recorded once, and played to my gateway again: with its timing, sped up, and as fast as it goes. `loadline record`
// makes such a recording of a real base station.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  LineRecorder,
  loadTransmitter,
  Program,
  playRecording,
  playTimed,
  readRecording,
  readTimes,
  SimulatedClock,
  VirtualBaseStation,
  VirtualPort,
  VirtualRadio,
} from '@loadline/hil-tests';

/** Two seconds of a load cell, as text: a line for what came together, with its time behind it. */
async function recording(): Promise<string> {
  const clock = new SimulatedClock();
  const lines: string[] = [];
  const recorder = new LineRecorder({ clock, write: (line) => lines.push(line) });
  const line = recorder.tap({ write: async () => undefined });
  const transmitters = [loadTransmitter({ tag: 0x1a2b, intervalMs: 100, seed: 7 })];
  using radio = new VirtualRadio(new VirtualBaseStation(line, { clock }), transmitters, { clock });
  radio.start();
  await clock.advance(2010);
  return lines.join('');
}

/** What my gateway tells of twenty readings that are played into its port. */
async function told(play: (port: VirtualPort) => Promise<unknown>): Promise<readonly string[]> {
  await using port = await VirtualPort.open();
  await using gateway = new Program('node', ['gateway.ts', port.path]);
  await gateway.said(/^radio found/);
  await play(port);
  await gateway.said(/^1A2B /, { times: 20 });
  return gateway.lines.slice(1);
}

test('my gateway hears the same of a recording, however fast it is played', async () => {
  const text = await recording();
  const pieces = readTimes(text);
  assert.ok(pieces !== undefined);
  const { bytes } = readRecording(Buffer.from(text));

  const began = performance.now();
  const asItWas = await told((port) => playTimed(pieces, port));
  const lasted = (pieces.at(-1)?.at ?? 0) - (pieces[0]?.at ?? 0);
  assert.ok(performance.now() - began >= lasted, 'it was played with its timing');
  const tenfold = await told((port) => playTimed(pieces, port, { factor: 10 }));
  const atOnce = await told((port) => playRecording(bytes, port, { speed: { kind: 'as-fast-as-it-goes' } }));
  assert.equal(asItWas.length, 20);
  assert.deepEqual(tenfold, asItWas);
  assert.deepEqual(atOnce, asItWas);
});
