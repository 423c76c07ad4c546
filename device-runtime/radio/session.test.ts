import { driverNamed } from '@loadline/sdk/driver';
import { dataTypes, encodeFrame, encodePacket, stallMilliseconds } from '@loadline/sdk/t24';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { OpeningEvents } from './opening.ts';
import { Session, type SessionOwner } from './session.ts';

const test = suite('session');

const packet = encodePacket({
  kind: 'dataProvider',
  flags: 0x20,
  tag: 0x3a10,
  status: 0,
  dataType: dataTypes.int32,
  value: { type: 'int32', value: 7 },
  rssi: 0xfb,
  cv: 0xe8,
});

/** A session whose owner takes what is of base station 1, and a way to let bytes come. */
async function openSession() {
  let taken = 0;
  let line: OpeningEvents | undefined;
  const owner: SessionOwner = {
    heard(session) {
      const finding = session.settle({ bases: [1], tags: undefined });
      if (finding.kind === 'own') taken += finding.frames.length;
    },
    noise() {},
    ended() {},
  };
  const session = await Session.open({
    candidate: { path: '/dev/ttyUSB0', device: 1, appearance: 'first' },
    opener: async (_, events) => {
      line = events;
      return { send: async () => {}, close: () => events.onEnd('closed') };
    },
    decoder: driverNamed('t24').open({}),
    clock: { boot: '', monotonic: () => performance.now(), wall: () => 0 },
    owner,
  });
  return { session, taken: () => taken, come: (bytes: Uint8Array) => line?.onBytes(bytes) };
}

const frames = (base: number, count: number) =>
  Buffer.concat(Array.from({ length: count }, () => encodeFrame(base, packet)));

test('a chunk of more frames than are kept undecided loses none of its own', async () => {
  const { session, taken, come } = await openSession();
  come(frames(1, 4096));
  assert.is(taken(), 4096);
  assert.is(session.receiver.counts.discardedBytes, 0);
});

test('what nobody takes is bounded', async () => {
  const { session, taken, come } = await openSession();
  for (let chunk = 0; chunk < 4; chunk++) come(frames(2, 1000));
  assert.is(taken(), 0);
  assert.is(session.receiver.counts.discardedBytes, (4000 - 1024) * frames(2, 1).length);
});

test('a rest that waits to be read is not given up, however a hold-up ends', async () => {
  const frame = frames(1, 1);
  for (const more of [-2, 2, 20, 40, 60]) {
    const { session, taken, come } = await openSession();
    // In this phase of the loop timers are next, and then what waits.
    await new Promise(setImmediate);
    come(frame.subarray(0, 9));
    const rest = new Promise<void>((resolve) => {
      setImmediate(() => {
        come(frame.subarray(9));
        resolve();
      });
    });
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, stallMilliseconds + more);
    await rest;
    assert.equal([taken(), session.receiver.counts.discardedBytes], [1, 0], `${more} ms`);
    session.close('closed');
  }
});

test('a frame whose rest never comes is given up', async () => {
  const { session, come } = await openSession();
  come(frames(1, 1).subarray(0, 9));
  const limit = performance.now() + 20_000;
  while (session.receiver.counts.discardedBytes < 9) {
    assert.ok(performance.now() < limit, 'it is still waited for');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  session.close('closed');
});

test.run();
