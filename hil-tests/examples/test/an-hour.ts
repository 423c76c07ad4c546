// An hour in seconds: the clock of the radio is simulated; the port and the gateway are real, and hear all of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  loadTransmitter,
  Program,
  SimulatedClock,
  temperatureTransmitter,
  until,
  VirtualBaseStation,
  VirtualPort,
  VirtualRadio,
  windTransmitter,
} from '@loadline/hil-tests';

/** What my gateway tells of a crane with three transmitters, whose world is drawn from the seed. */
async function listen(minutes: number, seed: number): Promise<readonly string[]> {
  const clock = new SimulatedClock();
  await using port = await VirtualPort.open();
  const transmitters = [
    loadTransmitter({ tag: 0x1a2b, intervalMs: 1000, seed }),
    temperatureTransmitter({ tag: 0x3c00, intervalMs: 10_000, seed }),
    // Sends two readings each time: the wind, and under the next tag its gusts.
    windTransmitter({ tag: 0x25df, intervalMs: 2000, seed }),
  ];
  using radio = new VirtualRadio(new VirtualBaseStation(port, { clock }), transmitters, { clock });
  await using gateway = new Program('node', ['gateway.ts', port.path]);
  await gateway.said(/^radio found/);
  radio.start();
  await clock.advance(minutes * 60_000);
  radio.stop();
  // What was sent last is still on the line, which goes by the same clock.
  await clock.advance(100);
  const told = () => gateway.lines.filter((line) => /^[0-9A-F]{4} /.test(line));
  await until(() => told().length === radio.packetsSent, { what: 'all that was sent has been told' });
  return told();
}

test('my gateway hears every packet of an hour', async () => {
  const told = await listen(60, 7);
  const of = (tag: string) => told.filter((line) => line.startsWith(tag)).length;
  assert.deepEqual([of('1A2B'), of('3C00'), of('25DF'), of('25E0')], [3600, 360, 1800, 1800]);
});

test('the same seed is the same world, and another one is another', async () => {
  const [first, again, other] = [await listen(5, 7), await listen(5, 7), await listen(5, 8)];
  assert.deepEqual(first, again);
  assert.notDeepEqual(first, other);
});
