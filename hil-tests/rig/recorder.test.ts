import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SimulatedClock } from './clock.ts';
import { RigError } from './errors.ts';
import { playRecording } from './player.ts';
import { LineRecorder } from './recorder.ts';
import { readRecording } from './recording.ts';
import { playTimed, readBothSides, readTimes } from './timed.ts';

const test = suite('line recorder');

/** A conversation of a base station with its host, and what was written down of it. */
async function conversation() {
  const clock = new SimulatedClock();
  const lines: string[] = [];
  const recorder = new LineRecorder({ write: (line) => lines.push(line), clock });
  let isPlugged = true;
  const taken: number[] = [];
  const sink = recorder.tap({
    async write(bytes) {
      if (!isPlugged) throw new Error('virtual port\nis unplugged');
      taken.push(...bytes);
    },
  });
  const { promise: over, resolve: end } = Promise.withResolvers<void>();
  let fromHost: (bytes: Uint8Array) => void = () => {};
  const deaf = recorder.listen({
    onData(listener) {
      fromHost = listener;
      return () => {
        fromHost = () => {};
        end();
      };
    },
  });
  await sink.write(Uint8Array.of(1, 2));
  await clock.advance(120.5);
  fromHost(Uint8Array.of(6, 7));
  await clock.advance(30);
  await sink.write(Uint8Array.of(8));
  isPlugged = false;
  const refused = await sink.write(Uint8Array.of(9, 9, 9)).catch((error: Error) => error.message);
  isPlugged = true;
  await clock.advance(849.5);
  await sink.write(Uint8Array.of(0xab));
  deaf();
  fromHost(Uint8Array.of(5));
  await over;
  return { text: lines.join(''), recorder, taken, refused };
}

test('both sides are written with their times, and passed on; what a port refuses is a note', async () => {
  const { text, recorder, taken, refused } = await conversation();
  assert.is(
    text,
    `0102 # 0.000 ms
#> 0607 # 120.500 ms
08 # 150.500 ms
# 150.500 ms: 3 bytes did not arrive: virtual port is unplugged
AB # 1000.000 ms
`,
  );
  assert.equal(taken, [1, 2, 8, 0xab]);
  assert.is(refused, 'virtual port\nis unplugged');
  assert.equal([recorder.pieces, recorder.bytes], [4, 6]);
});

test('of a write that was cut short, what was taken is in the recording, and the rest is not', async () => {
  const lines: string[] = [];
  const recorder = new LineRecorder({ write: (line) => lines.push(line), clock: new SimulatedClock() });
  const sink = recorder.tap({
    write: () => Promise.reject(new RigError('unplugged', 'pulled out', { takenBytes: 2 })),
  });
  await sink.write(Uint8Array.of(1, 2, 3)).catch(() => {});
  assert.is(lines.join(''), '0102 # 0.000 ms\n# 0.000 ms: 1 bytes did not arrive: pulled out\n');
});

test('a recording of both sides is one of the station to every reader; who asks has the host too', async () => {
  const { text } = await conversation();
  assert.equal([...readRecording(Buffer.from(text)).bytes], [1, 2, 8, 0xab]);
  assert.equal(
    readTimes(text)?.map(({ at, bytes }) => [at, ...bytes]),
    [
      [0, 1, 2],
      [150.5, 8],
      [1000, 0xab],
    ],
  );
  assert.equal(
    readBothSides(text)?.map(({ from, at, bytes }) => [from, at, ...bytes]),
    [
      ['station', 0, 1, 2],
      ['host', 120.5, 6, 7],
      ['station', 150.5, 8],
      ['station', 1000, 0xab],
    ],
  );
  assert.equal(readBothSides('#> 0102 # 1 ms\n'), undefined);
  assert.is(readBothSides('#> see below # it is long\n01 # 1 ms\n')?.length, 1);
});

test('it is played as it was, ten times as fast, and as fast as the line: the same bytes each time', async () => {
  const { text } = await conversation();
  const pieces = readTimes(text) ?? [];
  const { bytes } = readRecording(Buffer.from(text));
  const how: ((sink: { write(b: Uint8Array): Promise<void> }, clock: SimulatedClock) => Promise<unknown>)[] =
    [
      (sink, clock) => playTimed(pieces, sink, { clock }),
      (sink, clock) => playTimed(pieces, sink, { clock, factor: 10 }),
      (sink, clock) => playRecording(bytes, sink, { clock, speed: { kind: 'paced', baud: 1200 } }),
    ];
  const ends = [];
  for (const play of how) {
    const clock = new SimulatedClock();
    const played: number[] = [];
    let last = 0;
    const sink = {
      async write(more: Uint8Array) {
        played.push(...more);
        last = clock.now();
      },
    };
    const playing = play(sink, clock);
    await clock.advance(2000);
    await playing;
    assert.equal(played, [1, 2, 8, 0xab]);
    ends.push(Math.round(last));
  }
  // Four bytes of 1200 baud are 33 ms.
  assert.equal(ends, [1000, 100, 33]);
});

test.run();
