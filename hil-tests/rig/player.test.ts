import { encodeFrame, encodePacket, Framer } from '@loadline/sdk/t24';
import fc from 'fast-check';
import { SerialPort } from 'serialport';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SimulatedClock } from './clock.ts';
import { lace } from './lace.ts';
import { playRecording } from './player.ts';
import { readRecording } from './recording.ts';
import { windTransmitter } from './transmitters/index.ts';
import { until } from './until.ts';
import { VirtualPort } from './virtual-port.ts';

const test = suite('recordings');

/** Some frames of a simulated wind transmitter. */
function frames(count: number): Uint8Array[] {
  const wind = windTransmitter({ tag: 0x25df });
  return Array.from({ length: count }, () => {
    const [packet] = wind.broadcast();
    if (packet === undefined) throw new Error('a wind transmitter has two packets');
    return encodeFrame(1, encodePacket(packet));
  });
}

const raw = Buffer.concat(frames(100));
const text = (written: string) => new TextEncoder().encode(written);
const readText = (written: string) => Buffer.from(readRecording(text(written)).bytes).toString('hex');

function problemOf(written: string | Uint8Array) {
  try {
    readRecording(typeof written === 'string' ? text(written) : written);
  } catch (error) {
    return error as { problem: unknown; message: string; name: string; code: string };
  }
  throw new Error('it was read');
}

test('hex with line breaks, without, wrapped, spaced, of either case: all read as the raw bytes', () => {
  const hex = raw.toString('hex');
  const forms = [
    hex,
    hex.toUpperCase(),
    `${hex}\n`,
    frames(100)
      .map((frame) => Buffer.from(frame).toString('hex'))
      .join('\r\n'),
    (hex.match(/../g) ?? []).join(' '),
    (hex.match(/.{1,77}/g) ?? []).join('\n'),
    `# a wind transmitter\n${hex} # all of it\n`,
  ];
  for (const form of forms) {
    const recording = readRecording(text(form));
    assert.is(recording.form, 'hex');
    assert.ok(Buffer.from(recording.bytes).equals(raw));
  }
  const recording = readRecording(raw);
  assert.is(recording.form, 'raw');
  assert.ok(Buffer.from(recording.bytes).equals(raw));
});

test('any bytes read back from hex text, however it is broken into lines of whole bytes', () => {
  const lines = fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(lines, fc.constantFrom('\n', '\r\n', ' \n', '\n\n'), (chunks, lineBreak) => {
      const all = Buffer.concat(chunks);
      fc.pre(all.length > 0);
      const written = chunks.map((chunk) => Buffer.from(chunk).toString('hex')).join(lineBreak);
      assert.is(readText(written), all.toString('hex'));
    }),
  );
});

test('names the line and column of what is not hex', () => {
  const error = problemOf('0B0B01\n0B0BX1\n');
  assert.is(error.name, 'RecordingError');
  assert.is(error.code, 'recording');
  assert.equal(error.problem, { kind: 'character', line: 2, column: 5 });
  assert.match(error.message, 'line 2, column 5: "X" is not a hex digit');
  assert.equal(problemOf(`${raw.toString('hex')}\u0000`).problem, {
    kind: 'character',
    line: 1,
    column: raw.length * 2 + 1,
  });
  assert.equal(problemOf('Dear reader').problem, { kind: 'character', line: 1, column: 4 });
});

test('names the line that has lost a digit', () => {
  assert.equal(problemOf('0B0B01\n0B0B1\n0B0B01').problem, { kind: 'odd-digits', line: 2, digits: 5 });
  assert.equal(problemOf('0B0B01\n0B0B1\n0B0B0').problem, { kind: 'odd-digits', line: 2, digits: 5 });
  assert.equal(problemOf('0B0').problem, { kind: 'odd-digits', line: 1, digits: 3 });
  assert.equal(problemOf('0B0B01\n0B0B01\n0B0').problem, { kind: 'odd-digits', line: 3, digits: 3 });
});

test('an empty file, blank lines and comments alone are no recording', () => {
  for (const nothing of ['', '\n \r\n', '# nothing\n']) {
    assert.equal(problemOf(nothing).problem, { kind: 'empty' });
  }
});

test('a recording of text is played as it is when that is asked for', () => {
  const line = text('FE56=123.156,100,0,0\r');
  assert.equal(readRecording(line, { form: 'raw' }).bytes, line);
});

test('the host hears the same bytes in one write, in single bytes, and in random pieces', async () => {
  const port = await VirtualPort.open();
  const host = new SerialPort({ path: port.path, baudRate: 115200 });
  const heard: Buffer[] = [];
  host.on('data', (bytes: Buffer) => heard.push(bytes));
  await new Promise((resolve) => host.on('open', resolve));
  const kinds = [
    { kind: 'whole' },
    { kind: 'single-bytes' },
    { kind: 'random', seed: 4, mostBytes: 30 },
  ] as const;
  for (const chunks of kinds) {
    heard.length = 0;
    const played = await playRecording(raw, port, { chunks, speed: { kind: 'as-fast-as-it-goes' } });
    assert.equal(played, { bytes: raw.length, ended: 'complete' });
    await until(() => Buffer.concat(heard).length === raw.length);
    assert.ok(Buffer.concat(heard).equals(raw));
  }
  await new Promise((resolve) => host.close(resolve));
  await port.close();
});

test('single bytes leave one by one, random pieces the same for the same seed', async () => {
  const sizesOf = async (seed: number) => {
    const sizes: number[] = [];
    const sink = {
      async write(bytes: Uint8Array) {
        sizes.push(bytes.length);
      },
    };
    await playRecording(raw, sink, {
      chunks: { kind: 'random', seed, mostBytes: 9 },
      speed: { kind: 'as-fast-as-it-goes' },
    });
    return sizes;
  };
  const sizes = await sizesOf(5);
  assert.ok(sizes.every((size) => size >= 1 && size <= 9));
  assert.equal(await sizesOf(5), sizes);
  assert.not.equal(await sizesOf(6), sizes);
});

test('plays at the pace of the line, and stops when it is told to', async () => {
  const clock = new SimulatedClock();
  let arrived = 0;
  const sink = {
    async write(bytes: Uint8Array) {
      arrived += bytes.length;
    },
  };
  const abort = new AbortController();
  const playing = playRecording(raw, sink, {
    clock,
    speed: { kind: 'paced', baud: 9600 },
    chunks: { kind: 'single-bytes' },
    signal: abort.signal,
  });
  await clock.advance(1000);
  assert.is(arrived, 960);
  abort.abort();
  await clock.advance(10);
  assert.equal(await playing, { bytes: 961, ended: 'aborted' });
});

test('laced with noise, a receiver finds every frame and nothing else', () => {
  for (let seed = 0; seed < 50; seed++) {
    const laced = lace(raw, { seed });
    assert.is(laced.frames, 100);
    assert.is(laced.bytes.length, raw.length + laced.noiseBytes);
    const framer = new Framer();
    const found = [...framer.push(laced.bytes), ...framer.stalled()].flatMap((framed) =>
      framed.kind === 'frame' ? [encodeFrame(framed.base, framed.packet)] : [],
    );
    assert.ok(Buffer.concat(found).equals(raw));
  }
  assert.ok(Buffer.from(lace(raw, { seed: 1 }).bytes).equals(lace(raw, { seed: 1 }).bytes));
  assert.not(Buffer.from(lace(raw, { seed: 1 }).bytes).equals(lace(raw, { seed: 2 }).bytes));
  assert.ok(Buffer.from(lace(raw, { seed: 1, mostBytes: 0 }).bytes).equals(raw));
});

test('refuses to lace what is not whole frames, and says where', () => {
  assert.throws(
    () => lace(Buffer.concat([raw.subarray(0, 160), Buffer.of(0xff)]), { seed: 1 }),
    /1 bytes at offset 160 .*\(length\)/,
  );
});

test.run();
