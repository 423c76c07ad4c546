import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Reading } from '@loadline/sdk/telemetry';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { facts, heard } from './fixtures/status.ts';
import { askStatus, ControlError, followReadings, LocalControl, type ShownReading } from './index.ts';

const test = suite('local control');

let folder: string;
let path: string;
let log: { event: string }[];
let control: LocalControl;

test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'loadline-control-'));
  path = join(folder, 'control.sock');
  log = [];
  control = make(path);
});
test.after.each(async () => {
  await control.close();
  rmSync(folder, { recursive: true });
});

function make(at: string): LocalControl {
  const note = (event: string) => void log.push({ event });
  return new LocalControl({
    path: at,
    log: { info: note, warn: note, error: note },
    monotonic: () => 5000,
    nameOf: (tag) => (tag === 0x25df ? { name: 'Mast top', unit: 'm/s', simulated: true } : undefined),
    facts: () => facts,
  });
}

async function until(condition: () => boolean, what: string): Promise<void> {
  for (const limit = Date.now() + 30_000; !condition(); ) {
    assert.ok(Date.now() < limit, `waited 30 s in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function refused(doing: Promise<unknown>): Promise<string> {
  try {
    await doing;
  } catch (error) {
    assert.instance(error, ControlError);
    return (error as Error).message;
  }
  return assert.unreachable('it was not refused') as never;
}

/** Says raw bytes, and gives back all that comes, until the other end closes. */
async function say(bytes: Uint8Array | string): Promise<string> {
  const socket = createConnection(path);
  let said = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  // What is cut in the middle of its speech hears EPIPE or ECONNRESET.
  socket.on('error', () => {});
  socket.write(bytes);
  await once(socket, 'close');
  return said;
}

test('tells its facts, the last reading of each series, and what stands', async () => {
  await control.open();
  control.reading(heard(0x25df, 1));
  control.reading(heard(0x25df, 3.25));
  control.reading({ ...heard(7, Number.NaN), value: { type: 'nonFinite', bits: 0x7fc00000 }, flags: 0xc0 });
  control.event({ code: 'sensor-stale', subject: '25DF', detail: 'nothing for 30 s' });
  const status = await askStatus(path);
  assert.equal(status.health, facts.health);
  assert.equal(status.series, [
    {
      tag: '25DF',
      aspect: 'heard',
      name: 'Mast top',
      unit: 'm/s',
      simulated: true,
      value: 7.5,
      port: 'radio',
      base: 1,
      flaws: [],
      linkPercent: 100,
      secondsAgo: 1,
    },
    {
      tag: '0007',
      aspect: 'heard',
      value: null,
      port: 'radio',
      base: 1,
      flaws: ['error', 'battery low', 'no number'],
      linkPercent: 100,
      secondsAgo: 1,
    },
  ]);
  assert.equal(status.standing, [
    {
      code: 'sensor-stale',
      severity: 'warning',
      subject: '25DF',
      detail: 'nothing for 30 s',
      secondsAgo: 0,
      times: 1,
    },
  ]);
});

test('is a file of mode 0600 from the start, and gone at the end', async () => {
  const mask = process.umask();
  await control.open();
  assert.is(process.umask(), mask);
  assert.is(statSync(path).mode & 0o777, 0o600);
  await control.close();
  assert.not(existsSync(path));
});

test('shows readings to several followers until they leave', async () => {
  await control.open();
  const leaving = new AbortController();
  const follow = async (seen: ShownReading[]) => {
    for await (const reading of followReadings(path, leaving.signal)) seen.push(reading);
  };
  const [one, two]: [ShownReading[], ShownReading[]] = [[], []];
  const following = [follow(one), follow(two)];
  await until(() => {
    control.reading(heard(0x25df, 1));
    return one.length > 2 && two.length > 2;
  }, 'both see readings');
  leaving.abort();
  await Promise.all(following);
  assert.is(one[0]?.name, 'Mast top');
});

test('a follower learns that the gateway has stopped', async () => {
  await control.open();
  const following = (async () => {
    for await (const _ of followReadings(path, new AbortController().signal)) await control.close();
  })();
  const feeding = setInterval(() => control.reading(heard(1, 1)), 10);
  await following;
  clearInterval(feeding);
});

test('a follower that does not read is cut, and the others see everything', async () => {
  await control.open();
  const slow = createConnection(path);
  slow.on('error', () => {});
  slow.write('{"ask":"follow"}\n');
  slow.pause();
  const leaving = new AbortController();
  let seen = 0;
  const following = (async () => {
    for await (const _ of followReadings(path, leaving.signal)) seen++;
  })();
  await until(() => {
    control.reading(heard(1, 1));
    return seen > 0;
  }, 'the other follows');
  const [shownBefore, before] = [seen, process.memoryUsage.rss()];
  let shown = 0;
  await until(() => {
    for (let i = 0; i < 200; i++, shown++) control.reading(heard(1, i));
    return log.some(({ event }) => event === 'follower-cut');
  }, 'the slow one is cut');
  await until(() => seen >= shownBefore + shown, 'the other has seen all');
  assert.ok(process.memoryUsage.rss() - before < 100e6);
  leaving.abort();
  await following;
  slow.destroy();
});

test('garbage of any kind is answered with what may be asked, or cut, and harms nothing', async () => {
  await control.open();
  const inputs = fc.oneof(
    fc.uint8Array({ maxLength: 3000 }).map((bytes) => Buffer.concat([bytes, Buffer.from('\n')])),
    fc.json().map((text) => Buffer.from(`${text.replaceAll('\n', ' ')}\n`)),
    fc
      .constantFrom('{"ask":"__proto__"}\n', '{"ask":{"ask":"status"}}\n', '[]\n', 'null\n', '\n')
      .map(Buffer.from),
  );
  await fc.assert(
    fc.asyncProperty(inputs, async (bytes) => {
      assert.match(await say(bytes), /^\{"error":"ask with one line of JSON/);
    }),
    { numRuns: 100 },
  );
  assert.is((await askStatus(path)).gateway.id, 'mast-1');
});

test('a line without an end is refused at its limit', async () => {
  await control.open();
  assert.match(await say('x'.repeat(2 * 1024 * 1024)), /^(\{"error"|$)/);
  assert.is((await askStatus(path)).gateway.id, 'mast-1');
});

test('what comes behind the question is not looked at', async () => {
  await control.open();
  const said = await say(`{"ask":"status"}\n{"ask":"follow"}\n${'x'.repeat(100_000)}`);
  assert.is(said.split('\n').length, 2);
});

test('many clients that ask nothing do not shut out the gateway itself, and are cut', async () => {
  await control.open();
  const idle: Socket[] = Array.from({ length: 200 }, () => createConnection(path).on('error', () => {}));
  const closed = idle.map((socket) => once(socket.resume(), 'close'));
  control.reading(heard(1, 1));
  await Promise.all(closed);
  assert.is((await askStatus(path)).gateway.id, 'mast-1');
});

test('a client that stays away in the middle of a line or of an answer leaves nothing behind', async () => {
  await control.open();
  for (const text of ['{"ask', '{"ask":"status"}\n', '{"ask":"follow"}\n']) {
    const socket = createConnection(path).on('error', () => {});
    await once(socket, 'connect');
    socket.write(text);
    socket.destroy();
  }
  control.reading(heard(1, 1));
  assert.is((await askStatus(path)).gateway.id, 'mast-1');
});

test('the file of a gateway that was killed is replaced', async () => {
  const dead = spawn(process.execPath, [
    '-e',
    `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`,
  ]);
  await once(dead, 'exit');
  assert.ok(existsSync(path));
  assert.match(await refused(askStatus(path)), 'nobody answers');
  await control.open();
  assert.is((await askStatus(path)).gateway.id, 'mast-1');
});

test('a second gateway does not take the socket of one that answers', async () => {
  await control.open();
  assert.match(await refused(make(path).open()), 'another gateway answers');
  assert.is((await askStatus(path)).gateway.id, 'mast-1');
});

test('a file that is no socket is left alone', async () => {
  writeFileSync(path, 'precious');
  assert.match(await refused(control.open()), 'is there and is no socket');
  assert.ok(existsSync(path));
});

test('a path that the system would not take is refused with its length, at both ends', async () => {
  const long = join(folder, 'x'.repeat(108 - folder.length));
  assert.match(await refused(make(long).open()), /has 109 bytes, and the system takes 10[37]/);
  assert.match(await refused(askStatus(long)), 'set control.socket');
  const longest = join(folder, 'x'.repeat(106 - folder.length));
  const fits = make(longest);
  await fits.open();
  assert.is((await askStatus(longest)).gateway.id, 'mast-1');
  await fits.close();
});

test('says that no gateway runs, and that a folder for its socket is missing', async () => {
  assert.match(await refused(askStatus(path)), 'no gateway runs here: there is no socket');
  assert.match(await refused(make(join(folder, 'none/control.sock')).open()), 'its folder must be there');
});

test('a value is shown as the physical one', async () => {
  await control.open();
  const reading: Reading = { ...heard(3, 10), calibration: undefined };
  control.reading(reading);
  control.reading({ ...reading, aspect: 'max', value: { type: 'binary', value: Uint8Array.of(1, 255) } });
  control.reading({
    ...reading,
    aspect: 'min',
    value: { type: 'string', value: 'ok' },
    quality: { kind: 'none' },
  });
  const { series } = await askStatus(path);
  assert.equal(
    series.map(({ aspect, value, linkPercent }) => [aspect, value, linkPercent]),
    [
      ['heard', 10, 100],
      ['max', '01ff', 100],
      ['min', 'ok', undefined],
    ],
  );
});

test.run();
