import { driverNamed } from '@loadline/sdk/driver';
import { dataTypes, encodeFrame, encodePacket } from '@loadline/sdk/t24';
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
    clock: { boot: '', monotonic: () => 0, wall: () => 0 },
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

test.run();
