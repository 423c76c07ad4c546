import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SimulatedClock } from './clock.ts';
import { SerialLine } from './serial-line.ts';
import { VirtualPort } from './virtual-port.ts';

const test = suite('serial line');

/** A sink that notes when which byte arrived. */
function notingSink(clock: SimulatedClock) {
  const arrivals: { at: number; bytes: Uint8Array }[] = [];
  return {
    arrivals,
    count: () => arrivals.reduce((sum, { bytes }) => sum + bytes.length, 0),
    bytes: () => Buffer.concat(arrivals.map(({ bytes }) => bytes)),
    async write(bytes: Uint8Array) {
      arrivals.push({ at: clock.now(), bytes: bytes.slice() });
    },
  };
}

const counting = Uint8Array.from({ length: 2000 }, (_, index) => index & 0xff);

test('carries 115200 baud as 11520 bytes a second, all of them in order', async () => {
  const clock = new SimulatedClock();
  const sink = notingSink(clock);
  const line = new SerialLine(sink, { clock });
  const sent = line.write(counting);
  await clock.advance(100);
  assert.ok(sink.count() <= 1152, `${sink.count()} bytes in the first 100 ms`);
  assert.ok(sink.count() >= 1152 - 46, `${sink.count()} bytes in the first 100 ms`);
  assert.is(line.queuedBytes, 2000 - sink.count());
  await clock.advance(74);
  await sent;
  assert.equal(sink.bytes(), Buffer.from(counting));
  assert.is(line.bytesSent, 2000);
  assert.is(line.queuedBytes, 0);
});

test('no byte arrives before a real line would have finished it', async () => {
  const clock = new SimulatedClock();
  const sink = notingSink(clock);
  const line = new SerialLine(sink, { clock, speed: { kind: 'paced', baud: 9600 } });
  const first = line.write(counting.subarray(0, 50));
  await clock.advance(500);
  const second = line.write(counting.subarray(50, 100));
  const third = line.write(counting.subarray(100, 150));
  await clock.advance(500);
  await Promise.all([first, second, third]);
  let carried = 0;
  for (const { at, bytes } of sink.arrivals) {
    carried += bytes.length;
    const since = carried <= 50 ? 0 : 500;
    const onLine = carried <= 50 ? carried : carried - 50;
    assert.ok(at - since >= (onLine * 10_000) / 9600 - 1e-6, `${carried} bytes after ${at} ms`);
  }
  assert.is(carried, 150);
});

test('late timers do not slow it down, even if each byte is sent and awaited by itself', async () => {
  const clock = new SimulatedClock();
  const sink = notingSink(clock);
  const late = { now: () => clock.now(), after: (ms: number, run: () => void) => clock.after(ms + 5, run) };
  const line = new SerialLine(sink, { clock: late });
  const sent = (async () => {
    for (const byte of counting) await line.write(Uint8Array.of(byte));
  })();
  // 2000 bytes take 173.6 ms, and the last timer may be late.
  await clock.advance(173.7 + 5);
  await sent;
  assert.equal(sink.bytes(), Buffer.from(counting));
});

test('does not burst after a host that had stopped reading', async () => {
  const clock = new SimulatedClock();
  let resume = () => {};
  const stalled = new Promise<void>((resolve) => {
    resume = resolve;
  });
  const arrived: number[] = [];
  const line = new SerialLine(
    {
      async write(bytes) {
        if (arrived.length === 0) await stalled;
        arrived.push(...Array.from(bytes, () => clock.now()));
      },
    },
    // The stalled write must not hold this clock: time goes on while the host does not read.
    { clock: { now: () => clock.now(), after: (ms, run) => clock.after(ms, run) } },
  );
  const sent = line.write(counting);
  await clock.advance(10_000);
  assert.is(arrived.length, 0);
  resume();
  await clock.advance(0);
  // 50 ms may be caught up with, which is 576 bytes, and the chunk that had been waiting.
  assert.ok(arrived.length < 700, `${arrived.length} bytes at once`);
  await clock.advance(200);
  await sent;
  assert.is(arrived.length, 2000);
});

test('as fast as it goes needs no time at all', async () => {
  const clock = new SimulatedClock();
  const sink = notingSink(clock);
  await new SerialLine(sink, { clock, speed: { kind: 'as-fast-as-it-goes' } }).write(counting);
  assert.is(clock.now(), 0);
  assert.equal(sink.bytes(), Buffer.from(counting));
});

test('tells the sender when the port has been unplugged, forgets the bytes, and goes on after replug', async () => {
  const port = await VirtualPort.open();
  const line = new SerialLine(port, { speed: { kind: 'as-fast-as-it-goes' } });
  await port.unplug();
  const error = await line.write(counting).catch((refused) => refused);
  assert.is(error.code, 'unplugged');
  assert.is(line.queuedBytes, 0);
  await port.replug();
  await line.write(Uint8Array.of(1, 2, 3));
  assert.is(line.bytesSent, 3);
  await port.close();
});

test('refuses a baud rate that is none', () => {
  const sink = { write: async () => {} };
  assert.throws(() => new SerialLine(sink, { speed: { kind: 'paced', baud: 0 } }), /baud is 0/);
  assert.throws(() => new SerialLine(sink, { speed: { kind: 'paced', baud: Number.NaN } }), /baud is NaN/);
});

test.run();
