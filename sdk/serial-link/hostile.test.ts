// Whoever can write on the line, with frames whose checksums are right and the tags of the session: memory stays bounded,
// nothing throws, and what needs no knowledge of the session costs nobody a message.
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { limits } from '../contract/index.ts';
import { decodeFrame, encodeFrame, type Frame } from './frame.ts';
import { encodeHello, instanceBytes, versions } from './hello.ts';
import type { Taken } from './inbox.ts';
import { Link, type LinkEvent, lostMilliseconds } from './link.ts';
import { drawn, drawnBytes } from './simulated-line.ts';

const test = suite('hostile bytes on a serial line');

const mostHeld = limits.linkMessageBytes + 3 * limits.linkWindowFrames * limits.linkFrameBytes;

interface Side {
  readonly link: Link;
  readonly taken: Taken[];
  readonly events: LinkEvent[];
  /** Every frame it ever sent. */
  readonly sent: Uint8Array[];
}

/** Two ends on a wire that takes no time. */
class Wire {
  readonly tool: Side;
  readonly gateway: Side;
  readonly draw = drawn(5);
  now = 0;

  constructor() {
    this.tool = this.side('calls');
    this.gateway = this.side('answers');
  }

  side(role: 'calls' | 'answers'): Side {
    const random = (count: number) => drawnBytes(this.draw, count);
    const link = new Link({ role, capabilities: [], random, now: this.now });
    return { link, taken: [], events: [], sent: [] };
  }

  /** Carries what there is, `ms` long, and has all that comes taken. */
  run(ms: number, tool = this.tool, gateway = this.gateway): void {
    for (const end = this.now + ms; this.now < end; this.now += 10) {
      while (this.carry(tool, gateway)) for (const side of [tool, gateway]) take(side);
      for (const side of [tool, gateway]) side.events.push(...side.link.tick(this.now));
    }
  }

  /** Carries what is to be sent now; whether there was something. */
  carry(tool = this.tool, gateway = this.gateway): boolean {
    let went = false;
    for (const [from, to] of [
      [tool, gateway],
      [gateway, tool],
    ] as const) {
      for (let frame = from.link.outgoing(this.now); frame; frame = from.link.outgoing(this.now)) {
        went = true;
        from.sent.push(frame);
        give(to, frame, this.now);
      }
    }
    return went;
  }
}

function give(side: Side, bytes: Uint8Array, now: number): void {
  side.events.push(...side.link.receive(bytes, now));
}

function take(side: Side): void {
  for (let taken = side.link.take(); taken !== undefined; taken = side.link.take()) side.taken.push(taken);
}

function messagesOf({ taken }: Side): unknown[] {
  return taken.flatMap((one) => (one.kind === 'message' ? [one.message] : []));
}

/** The tag of what this side sends. */
function tagOf({ sent }: Side): number {
  for (const bytes of sent) {
    const frame = decodeFrame(bytes.subarray(1, -1));
    if (frame.kind === 'ack') return frame.tag;
  }
  throw new Error('it has not sent an acknowledgement yet');
}

/** Both are up, and have said something. */
function upWire(): Wire {
  const wire = new Wire();
  wire.tool.link.send('first');
  wire.gateway.link.send('first');
  wire.run(500);
  assert.equal([wire.tool.link.state, wire.gateway.link.state], ['up', 'up']);
  assert.equal([messagesOf(wire.tool), messagesOf(wire.gateway)], [['first'], ['first']]);
  return wire;
}

/** Says something each way, and sees it come, once, as all before it did. */
function checkGoesOn(wire: Wire): void {
  const before = [messagesOf(wire.tool), messagesOf(wire.gateway)] as const;
  wire.tool.link.send('last of the tool');
  wire.gateway.link.send('last of the gateway');
  wire.run(2 * lostMilliseconds);
  assert.equal(messagesOf(wire.tool), [...before[0], 'last of the gateway']);
  assert.equal(messagesOf(wire.gateway), [...before[1], 'last of the tool']);
}

test('twelve megabytes of noise cost nothing but themselves', () => {
  const wire = upWire();
  const draw = drawn(9);
  const noise = drawnBytes(draw, 1024 * 1024);
  for (let turn = 0; turn < 12; turn++) {
    // Another cut each time, and other bytes.
    for (let at = 0; at < noise.length; at += 4001) noise[at] = Math.floor(draw() * 256);
    give(wire.gateway, noise.subarray(turn), wire.now);
    assert.ok(wire.gateway.link.heldBytes <= mostHeld);
    assert.ok(wire.gateway.link.noise.length <= 256);
  }
  const { bytes, noiseBytes } = wire.gateway.link.figures;
  assert.ok(noiseBytes > 11_900_000 && noiseBytes <= bytes);
  checkGoesOn(wire);
  assert.equal(
    wire.gateway.taken.filter(({ kind }) => kind === 'session').length,
    1,
    'the session is the same one',
  );
});

test('all frames of earlier sessions, and of this one, come again: nothing happens twice', () => {
  const wire = upWire();
  const oldTool = wire.tool;
  // The tool is started anew: the old one's frames are those of a session that is over.
  const tool = wire.side('calls');
  tool.link.send('of the second');
  wire.run(2000, tool);
  assert.is(messagesOf(wire.gateway).at(-1), 'of the second');
  const taken = [wire.gateway.taken.length, tool.taken.length];
  const { session } = wire.gateway.link;
  for (let turn = 0; turn < 3; turn++) {
    for (const frame of [...oldTool.sent, ...tool.sent]) give(wire.gateway, frame, wire.now);
    for (const frame of [...wire.gateway.sent]) give(tool, frame, wire.now);
    wire.run(1000, tool);
  }
  assert.equal([wire.gateway.taken.length, tool.taken.length], taken);
  assert.equal([wire.gateway.link.heldBytes, tool.link.heldBytes], [0, 0]);
  assert.equal(wire.gateway.link.session, session);
  assert.is(wire.gateway.link.state, 'up');
});

test('a hello of somebody who does not answer ends nobody’s session', () => {
  const wire = upWire();
  const stranger = (kind: 'hello' | 'welcome') =>
    encodeFrame({
      kind,
      body: encodeHello({
        ...{ versions, capabilities: ['stranger'] },
        instance: drawnBytes(wire.draw, instanceBytes),
        nonce: drawnBytes(wire.draw, instanceBytes),
      }),
    });
  const sent = wire.gateway.sent.length;
  for (let turn = 0; turn < 500; turn++) {
    give(wire.gateway, stranger(turn % 2 === 0 ? 'hello' : 'welcome'), wire.now);
    wire.run(10);
  }
  checkGoesOn(wire);
  assert.is(wire.gateway.taken.filter(({ kind }) => kind === 'session').length, 1);
  // It answers, and asks in its turn, but ten times a second at most.
  const hellos = wire.gateway.sent
    .slice(sent)
    .filter((bytes) => decodeFrame(bytes.subarray(1, -1)).kind === 'hello');
  assert.ok(hellos.length > 10 && hellos.length <= 51, String(hellos.length));
});

test('own frames that come back are known, and the session goes on', () => {
  const wire = upWire();
  for (const frame of [...wire.gateway.sent]) give(wire.gateway, frame, wire.now);
  assert.is(wire.gateway.link.figures.echoes, wire.gateway.sent.length);
  checkGoesOn(wire);
});

test('an acknowledgement of what was never sent is not believed', () => {
  const wire = upWire();
  const tag = tagOf(wire.gateway);
  wire.tool.link.send('under way');
  // It is sent, and lost.
  while (wire.tool.link.outgoing(wire.now) !== undefined);
  const huge = 2 ** 48 - 1;
  const forged = {
    kind: 'ack',
    tag,
    limit: huge,
    transmission: huge,
    selective: Buffer.alloc(16, 255),
  } as const;
  for (const next of [huge, 3, 1000]) {
    give(wire.tool, encodeFrame({ ...forged, next }), wire.now);
  }
  assert.not(
    wire.tool.events.some(({ kind, ...rest }) => kind === 'acknowledged' && 'id' in rest && rest.id === 2),
  );
  wire.run(500);
  assert.equal(messagesOf(wire.gateway), ['first', 'under way']);
  checkGoesOn(wire);
});

test('a window that is said to be endless lets no more be under way than a window', () => {
  const wire = upWire();
  const tag = tagOf(wire.gateway);
  for (let turn = 0; turn < 3; turn++) wire.tool.link.send(Buffer.alloc(limits.linkMessageBytes - 100));
  give(
    wire.tool,
    encodeFrame({
      kind: 'ack',
      tag,
      next: 1,
      limit: 2 ** 48 - 1,
      transmission: 1,
      selective: Buffer.alloc(0),
    }),
    wire.now,
  );
  let frames = 0;
  while (wire.tool.link.outgoing(wire.now) !== undefined) frames += 1;
  assert.ok(frames <= limits.linkWindowFrames + 2, String(frames));
});

test('frames that may not come yet, and frames that have come, are not held', () => {
  const wire = upWire();
  const tag = tagOf(wire.tool);
  const data = Buffer.alloc(limits.linkFrameBytes, 0x80);
  // One is missing, so that none of the others can be put together.
  for (let number = 2; number < 3000; number++) {
    give(
      wire.gateway,
      encodeFrame({ kind: 'data', tag, transmission: number, number, isLast: false, data }),
      wire.now,
    );
  }
  for (let turn = 0; turn < 100; turn++) {
    give(
      wire.gateway,
      encodeFrame({ kind: 'data', tag, transmission: 9, number: 0, isLast: true, data }),
      wire.now,
    );
  }
  assert.ok(wire.gateway.link.heldBytes <= limits.linkWindowFrames * limits.linkFrameBytes);
  assert.ok(wire.gateway.link.heldBytes > 60 * limits.linkFrameBytes);
});

test('a message without end is thrown away as it comes, and said to be unreadable when it ends', () => {
  const wire = upWire();
  const tag = tagOf(wire.tool);
  const data = Buffer.alloc(limits.linkFrameBytes, 0x80);
  const frames = Math.ceil((3 * limits.linkMessageBytes) / data.length);
  for (let index = 0; index < frames; index++) {
    const number = 1 + index;
    const isLast = index === frames - 1;
    give(
      wire.gateway,
      encodeFrame({ kind: 'data', tag, transmission: 100 + index, number, isLast, data }),
      wire.now,
    );
    assert.ok(wire.gateway.link.heldBytes <= mostHeld);
  }
  take(wire.gateway);
  const unreadable = wire.gateway.taken.filter(({ kind }) => kind === 'unreadable');
  assert.is(unreadable.length, 1);
  assert.match(JSON.stringify(messagesOf(wire.gateway)), /^\["first"\]$/);
});

test('what is not taken keeps the sender waiting: nothing piles up', () => {
  const wire = upWire();
  const message = Buffer.alloc(20_000, 3);
  for (let index = 0; index < 200; index++) wire.tool.link.send(message);
  for (let turn = 0; turn < 1000; turn++, wire.now += 10) wire.carry();
  assert.ok(wire.gateway.link.heldBytes < 3 * limits.linkWindowFrames * limits.linkFrameBytes);
  assert.ok(wire.tool.link.waitingBytes > 3_500_000);
  assert.is(wire.tool.link.state, 'up');
  wire.run(5000);
  assert.is(messagesOf(wire.gateway).length, 201);
});

test('one that is held back asks whether more may go, though the other end never stops speaking', () => {
  const wire = upWire();
  for (let index = 0; index < 300; index++) wire.tool.link.send(Buffer.alloc(1000));
  for (let turn = 0; turn < 20; turn++, wire.now += 10) wire.carry();
  // There is room again, and the word of it is lost.
  take(wire.gateway);
  while (wire.gateway.link.outgoing(wire.now) !== undefined);
  const before = wire.gateway.taken.length;
  for (let turn = 0; turn < 200; turn++, wire.now += 10) {
    wire.gateway.link.send(turn);
    wire.carry();
    take(wire.tool);
  }
  take(wire.gateway);
  assert.ok(wire.gateway.taken.length > before);
});

test('sessions that begin one after the other, while the program takes nothing, pile up nothing', () => {
  const wire = new Wire();
  for (let turn = 0; turn < 1000; turn++) {
    const tool = wire.side('calls');
    if (turn % 2 === 0) tool.link.send(turn);
    for (let nth = 0; nth < 30; nth++, wire.now += 10) wire.carry(tool);
  }
  take(wire.gateway);
  const messages = messagesOf(wire.gateway);
  assert.ok(messages.length > 20 && messages.length <= limits.linkWindowFrames, String(messages.length));
  assert.ok(wire.gateway.taken.length <= 2 * messages.length + 1, String(wire.gateway.taken.length));
});

test('whatever frames come with the tags of the session, nothing throws and memory is bounded', () => {
  const number = fc.oneof(fc.nat({ max: 300 }), fc.constantFrom(2 ** 47, 2 ** 48 - 1));
  const body = fc.uint8Array({ minLength: 1, maxLength: limits.linkFrameBytes });
  const kinds = fc.oneof(
    fc.record({
      ...{ kind: fc.constant('data'), transmission: number, number, isLast: fc.boolean(), data: body },
    }),
    fc.record({
      ...{ kind: fc.constant('ack'), next: number, limit: number, transmission: number },
      selective: fc.uint8Array({ maxLength: 16 }),
    }),
    fc.record({ kind: fc.constant('ping'), transmission: number }),
    fc.record({ kind: fc.constantFrom('hello', 'welcome'), body }),
    fc.record({ kind: fc.constant('bye') }),
  );
  fc.assert(
    fc.property(fc.array(kinds, { maxLength: 60, size: 'max' }), fc.boolean(), (frames, isTaking) => {
      const wire = upWire();
      const tag = tagOf(wire.tool);
      wire.gateway.link.send(Buffer.alloc(30_000));
      for (const frame of frames) {
        give(wire.gateway, encodeFrame({ tag, ...frame } as Frame), wire.now);
        if (isTaking) wire.run(20);
        assert.ok(wire.gateway.link.heldBytes <= mostHeld);
      }
      wire.run(100);
    }),
    { numRuns: 100 },
  );
});

test.run();
