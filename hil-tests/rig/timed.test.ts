import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SimulatedClock } from './clock.ts';
import { readRecording } from './recording.ts';
import { playTimed, readTimes, recordingLine, type TimedBytes } from './timed.ts';

const test = suite('recordings with their times');

const pieces: TimedBytes[] = [
  { at: 0.25, bytes: Uint8Array.of(1, 2) },
  { at: 100, bytes: Uint8Array.of(3) },
  { at: 1100.5, bytes: Uint8Array.of(0xff) },
];
const text = pieces.map(recordingLine).join('');

test('what is written line by line is read with its times, and as hex without them', () => {
  assert.equal(
    readTimes(`# made by hand\n${text}\n`)?.map(({ at, bytes }) => [at, ...bytes]),
    pieces.map(({ at, bytes }) => [at, ...bytes]),
  );
  assert.equal([...readRecording(Buffer.from(text)).bytes], [1, 2, 3, 0xff]);
});

test('a recording of which a single line lacks its time has none', () => {
  assert.is(readTimes(`${text}0102\n`), undefined);
  assert.is(readTimes(`${text}010 # 5 ms\n`), undefined);
  assert.is(readTimes('# nothing\n'), undefined);
});

async function played(factor: number, milliseconds: number): Promise<number[]> {
  const clock = new SimulatedClock();
  const moments: number[] = [];
  const sink = {
    write: (bytes: Uint8Array) => {
      moments.push(clock.now(), ...bytes);
      return Promise.resolve();
    },
  };
  const abort = new AbortController();
  const playing = playTimed(pieces, sink, { factor, clock, signal: abort.signal });
  await clock.advance(milliseconds);
  abort.abort();
  await playing;
  return moments;
}

test('each piece is played when it was recorded, faster where that is wanted', async () => {
  assert.equal(await played(1, 2000), [0, 1, 2, 99.75, 3, 1100.25, 0xff]);
  assert.equal(await played(4, 2000), [0, 1, 2, 24.9375, 3, 275.0625, 0xff]);
});

test('what is aborted ends at once, and what was not due is not played', async () => {
  assert.equal(await played(1, 500), [0, 1, 2, 99.75, 3]);
});

test.run();
