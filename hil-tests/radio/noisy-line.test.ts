// A line whose bytes are no frames, and a driver that fails: both are said, and the port goes on.
import type { Driver } from '@loadline/sdk/driver';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until, VirtualPort } from '../rig/index.ts';
import { Listening, measurementFrame, portConfig } from './listening.ts';

const test = suite('noisy line');

const minute = 60_000;
let adapter: VirtualPort;
let listening: Listening;

test.before.each(async () => {
  adapter = await VirtualPort.open();
});
test.after.each(async () => {
  await listening.radio.stop();
  await adapter.close();
});

/** Sends bytes, and waits until they have been heard. */
async function hear(bytes: Uint8Array): Promise<void> {
  const before = listening.ledger().bytes;
  await adapter.write(bytes);
  await until(() => listening.ledger().bytes === before + bytes.length);
}

test('is said after a minute, once, and is over when frames are most of it', async () => {
  let now = 0;
  listening = new Listening([portConfig({ path: adapter.path })], {
    clock: { boot: '', monotonic: () => now, wall: Date.now },
  });
  await listening.opened();
  const noise = new Uint8Array(400).fill(0xff);
  const frames = Buffer.concat(Array.from({ length: 100 }, () => measurementFrame(1, 7, 1)));
  for (let each = 0; each < 4; each++) {
    await hear(noise);
    now += minute;
  }
  assert.equal(listening.events.slice(1), [
    {
      code: 'port-noisy',
      subject: 'radio',
      detail: `400 of 400 bytes of the last minutes on ${adapter.path} were no valid frames`,
    },
  ]);
  assert.match(listening.ledger().trouble ?? '', 'most bytes of the last minutes');
  for (let each = 0; each < 2; each++) {
    await hear(frames);
    now += minute;
  }
  assert.is(listening.ledger().trouble, undefined);
  assert.equal(listening.codes.slice(2), ['radio port-clear']);
});

test('a driver that fails loses what it was given, and says so', async () => {
  const own: Driver = {
    name: 'own',
    label: 'fails at every second chunk',
    support: 'untested',
    transport: { kind: 'serial' },
    open: () => ({
      held: 0,
      failure: 'driver own failed: out of luck',
      push: ({ length }) => [{ kind: 'discarded', bytes: length, reason: 'driver own failed: out of luck' }],
      stalled: () => [],
    }),
  };
  listening = new Listening([portConfig({ path: adapter.path, driver: 'own' })], { drivers: [own] });
  await listening.opened();
  await hear(Uint8Array.of(1, 2, 3));
  assert.is(listening.ledger().discardedBytes, 3);
  assert.is(listening.ledger().trouble, 'driver own failed: out of luck');
});

test('a port whose driver is unknown, or refuses its options, is an error at once', () => {
  const config = { path: adapter.path };
  listening = new Listening([]);
  assert.throws(
    () => new Listening([portConfig({ ...config, driver: 'none' })]),
    /there is no driver "none"/,
  );
  assert.throws(
    () => new Listening([portConfig({ ...config, driver: 'so', options: {} })]),
    /options\.template must be text/,
  );
});

test.run();
