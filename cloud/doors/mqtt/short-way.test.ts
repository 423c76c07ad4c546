import * as fc from 'fast-check';
import { generate } from 'mqtt-packet';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ShortWay } from './short-way.ts';

const topic = 'v1/gw/one/telemetry';
const mostBytes = 1000;

function publish(messageId: number, payload: string, changed: object = {}): Buffer {
  const flags = { qos: 1, dup: false, retain: false } as const;
  return generate({ cmd: 'publish', topic, messageId, payload, ...flags, ...changed });
}

/** Hands chunks in until one is not taken whole: what was published, and what is left of everything. */
function handIn(chunks: readonly Buffer[]): { published: string[]; left: Buffer } {
  const published: string[] = [];
  const way = new ShortWay(topic, mostBytes, (packetId, body) => published.push(`${packetId}:${body}`));
  for (const [index, chunk] of chunks.entries()) {
    const rest = way.take(chunk);
    if (rest !== undefined) return { published, left: Buffer.concat([rest, ...chunks.slice(index + 1)]) };
  }
  return { published, left: way.giveBack(Buffer.alloc(0)) };
}

test('publishes arrive whole and in order, however they are cut', () => {
  const message = fc.record({ id: fc.integer({ min: 1, max: 0xffff }), text: fc.string({ maxLength: 300 }) });
  const cuts = fc.array(fc.nat({ max: 3000 }), { maxLength: 12 });
  void fc.assert(
    fc.property(
      fc.array(message, { minLength: 1, maxLength: 8 }),
      cuts,
      fc.boolean(),
      (messages, cuts, dup) => {
        const all = Buffer.concat(messages.map(({ id, text }) => publish(id, text, { dup })));
        const places = [0, ...cuts.filter((cut) => cut < all.length).sort((a, b) => a - b), all.length];
        const chunks = places.slice(1).map((end, index) => all.subarray(places[index], end));
        const { published, left } = handIn(chunks.filter(({ length }) => length > 0));
        assert.equal(
          published,
          messages.map(({ id, text }) => `${id}:${text}`),
        );
        assert.is(left.length, 0);
      },
    ),
  );
});

const others: readonly (readonly [string, Buffer])[] = [
  ['a ping', generate({ cmd: 'pingreq' })],
  ['another topic', publish(2, 'x', { topic: 'v1/gw/two/telemetry' })],
  ['a longer topic', publish(2, 'x', { topic: `${topic}/x` })],
  ['QoS 0', publish(2, 'x', { qos: 0 })],
  ['QoS 2', publish(2, 'x', { qos: 2 })],
  ['a retained one', publish(2, 'x', { retain: true })],
  ['one that is too long', publish(2, 'x'.repeat(mostBytes))],
  ['one too short for its topic', Buffer.from([0x32, 0x02, 0x00, 0x00])],
  ['a packet id of 0', Buffer.concat([publish(2, '').subarray(0, -2), Buffer.alloc(2)])],
  ['a length without an end', Buffer.from([0x32, 0xff, 0xff, 0xff, 0xff, 0x01])],
];

for (const [what, bytes] of others) {
  test(`${what} is left to the broker, with all that follows it`, () => {
    const before = publish(1, 'before');
    const after = publish(3, 'after');
    for (const chunks of [[Buffer.concat([before, bytes, after])], [before, bytes, after]]) {
      const { published, left } = handIn(chunks);
      assert.equal(published, ['1:before']);
      assert.equal(left, Buffer.concat([bytes, after]));
    }
  });
}

test('a packet that has begun is given back with what follows', () => {
  const whole = publish(1, 'whole');
  const way = new ShortWay(topic, mostBytes, () => assert.unreachable());
  assert.is(way.take(whole.subarray(0, 7)), undefined);
  assert.equal(way.giveBack(whole.subarray(7)), whole);
  assert.equal(way.giveBack(whole), whole);
});

test.run();
