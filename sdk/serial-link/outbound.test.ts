import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { limits } from '../contract/index.ts';
import type { AckFrame } from './frame.ts';
import { Outbound } from './outbound.ts';

const test = suite('what goes out in a session');

/** An acknowledgement: all below `next`, and those that are named, by the time that `transmission` has come. */
function ack(next: number, transmission: number, others: readonly number[] = [], limit = 128): AckFrame {
  const selective = new Uint8Array(16);
  for (const number of others) {
    const bit = number - next - 1;
    selective[bit >> 3] = (selective[bit >> 3] as number) | (1 << (bit & 7));
  }
  return { kind: 'ack', tag: 1, next, limit, transmission, selective };
}

/** Numbers of the frames that are to be sent now. */
function due(outbound: Outbound, now = 0): number[] {
  const numbers: number[] = [];
  for (let frame = outbound.next(1, now); frame; frame = outbound.next(1, now)) numbers.push(frame.number);
  return numbers;
}

const message = (id: number, frames: number) => ({
  id,
  bytes: new Uint8Array(frames * limits.linkFrameBytes),
});

test('a message is acknowledged when all of it has come, and not before', () => {
  const outbound = new Outbound([message(7, 3), message(8, 1)]);
  assert.equal(due(outbound), []);
  assert.equal(outbound.acknowledge(ack(0, 0), 0)?.ids, []);
  assert.equal(due(outbound), [0, 1, 2, 3]);
  assert.equal(outbound.acknowledge(ack(1, 1), 0)?.ids, []);
  assert.equal(outbound.acknowledge(ack(2, 2, [3]), 0)?.ids, []);
  assert.equal(outbound.unacknowledged, [7, 8]);
  assert.equal(outbound.acknowledge(ack(4, 5), 0)?.ids, [7, 8]);
  assert.equal([outbound.bytes, outbound.count, outbound.isUnanswered], [0, 0, false]);
});

test('what a later transmission has overtaken is sent again, and nothing else', () => {
  const outbound = new Outbound([message(1, 6)]);
  outbound.acknowledge(ack(0, 0), 0);
  assert.equal(due(outbound), [0, 1, 2, 3, 4, 5]);
  // Of transmissions 1 to 6, frames 1 and 3 were lost; 5 is still on its way.
  outbound.acknowledge(ack(1, 5, [2, 4]), 0);
  assert.equal(due(outbound), [1, 3]);
  // Frame 3 was sent again as transmission 8, and lost again.
  outbound.acknowledge(ack(3, 7, [4, 5]), 0);
  assert.equal(due(outbound), []);
  const ping = outbound.ping(0);
  assert.is(ping, 9);
  outbound.acknowledge(ack(3, ping, [4, 5]), 0);
  assert.equal(due(outbound), [3]);
  // An older acknowledgement that comes late says nothing new.
  outbound.acknowledge(ack(1, 5, [2, 4]), 0);
  assert.equal(due(outbound), []);
  assert.equal(outbound.acknowledge(ack(6, 10), 0)?.ids, [1]);
});

test('the way there and back is taken of the very transmission that was acknowledged', () => {
  const outbound = new Outbound([message(1, 2)]);
  outbound.acknowledge(ack(0, 0), 0);
  outbound.next(1, 100);
  outbound.next(1, 150);
  assert.is(outbound.acknowledge(ack(2, 2), 190)?.took, 40);
  assert.is(outbound.ping(200), 3);
  assert.is(outbound.ping(300), 4);
  assert.is(outbound.acknowledge(ack(2, 3), 350)?.took, 150);
  assert.is(outbound.acknowledge(ack(2, 3), 360)?.took, undefined);
  assert.is(outbound.ping(400), 5);
  // The question was lost: how long that took is not known.
  assert.is(outbound.ping(500), 6);
  assert.is(outbound.acknowledge(ack(2, 6), 550)?.took, undefined);
});

test('no more is under way than the other end lets come, nor than a window', () => {
  const outbound = new Outbound([message(1, 1000)]);
  outbound.acknowledge(ack(0, 0, [], 5), 0);
  assert.equal(due(outbound), [0, 1, 2, 3, 4]);
  assert.ok(outbound.isHeldBack);
  outbound.acknowledge(ack(5, 5, [], 10_000), 0);
  assert.not(outbound.isHeldBack);
  assert.is(due(outbound).length, limits.linkWindowFrames);
  // A limit never falls.
  outbound.acknowledge(ack(8, 8, [], 6), 0);
  assert.is(due(outbound).length, 3);
});

test('an acknowledgement of what was never sent is none', () => {
  const outbound = new Outbound([message(1, 2)]);
  outbound.acknowledge(ack(0, 0), 0);
  outbound.next(1, 0);
  assert.is(outbound.acknowledge(ack(2, 1), 0), undefined);
  assert.equal(outbound.unacknowledged, [1]);
  assert.equal(due(outbound), [1]);
});

test.run();
