// Flipped bits and a dip of the supply: whatever comes in at the port, no reading is told that was never sent.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Program, SpoiledLine, VirtualBaseStation, VirtualPort } from '@loadline/hil-tests';
import { dataTypes, packetFlags } from '@loadline/sdk/t24';

const tag = 0x1a2b;

/** A reading as a transmitter broadcasts it: the value counts, so that what is missing or invented shows. */
const reading = (value: number) =>
  ({
    kind: 'dataProvider',
    flags: packetFlags.broadcast,
    tag,
    status: 0,
    dataType: dataTypes.float32,
    value: { type: 'float32', value },
    rssi: 0xf0,
    cv: 105,
  }) as const;

test('my gateway tells what was heard whole, and nothing else, of a line that is spoiled', async () => {
  await using port = await VirtualPort.open();
  const line = new SpoiledLine(port, { seed: 7 });
  const station = new VirtualBaseStation(line, { speed: { kind: 'as-fast-as-it-goes' } });
  await using gateway = new Program('node', ['gateway.ts', port.path]);
  await gateway.said(/^radio found/);

  // One byte in a hundred has a bit the other way: some fifteen frames in a hundred.
  line.flipBits(0.01);
  for (let value = 0; value < 1000; value++) await station.transmit(reading(value));
  line.flipBits(0);
  // A dip in the middle of a frame: its end is lost, and rubbish comes in its place.
  line.brownOut({ afterBytes: 5, lostBytes: 11, garbageBytes: 40 });
  await station.transmit(reading(1000));
  for (let value = 1001; value <= 1010; value++) await station.transmit(reading(value));
  await gateway.said(/^1A2B 1010$/);

  const told = gateway.lines.filter((text) => text.startsWith('1A2B ')).map((text) => Number(text.slice(5)));
  const inOrder = told.every((value, at) => Number.isInteger(value) && value > (told[at - 1] ?? -1));
  assert.ok(inOrder, 'every reading told was sent, and is told once, in its order');
  assert.ok(!told.includes(1000), 'the reading whose end was lost is not told');
  assert.ok(told.length > 700 && told.length < 950, `of 1010 sent, ${told.length} were heard whole`);
  assert.ok(gateway.lines.some((text) => text.startsWith('noise: ')));
});
