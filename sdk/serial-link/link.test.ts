// Two links over a line that loses, doubles, spoils, cuts and adds, between processes that are killed: whatever it does,
// each message comes once and in order within its session, memory is bounded, and all is well once the line is.
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { limits } from '../contract/index.ts';
import type { Taken } from './inbox.ts';
import type { LinkEvent } from './link.ts';
import { type End, SimulatedLine } from './simulated-line.ts';

const test = suite('a serial link over a bad line');

/** Bytes held of what came: the inbox and what may still come into it, one message in parts, and frames out of order. */
const mostHeld = limits.linkMessageBytes + 3 * limits.linkWindowFrames * limits.linkFrameBytes;

interface Sent {
  readonly id: number;
  readonly text: string;
}

/** The program at one end: what it sent and took, by the session of its link, which has the other's instance for a name. */
class Program {
  readonly end: End;
  sent: Sent[] = [];
  readonly acknowledged = new Set<number>();
  readonly dropped = new Set<number>();
  /** Messages of the session that stands, and of each one before it. */
  sessions: string[][] = [];
  lives = 0;
  resumed = 0;
  readonly unreadable: string[] = [];

  constructor(end: End) {
    this.end = end;
    end.onEvents = (events) => this.#hear(events);
    end.onTaken = (taken) => this.#take(taken);
  }

  send(size: number): void {
    const text = `${this.end.name} ${this.end.life} ${this.sent.length} `;
    this.sent.push({ id: this.end.link.send(text.padEnd(size, 'x')), text });
  }

  /** Its process is another one now, that knows nothing. */
  begin(): void {
    this.sent = [];
    this.acknowledged.clear();
    this.dropped.clear();
    this.sessions = [];
  }

  #hear(events: readonly LinkEvent[]): void {
    for (const event of events) {
      if (event.kind === 'acknowledged') {
        assert.not(this.acknowledged.has(event.id), 'acknowledged twice');
        assert.not(this.dropped.has(event.id), 'acknowledged after it was dropped');
        this.acknowledged.add(event.id);
      }
      if (event.kind === 'dropped') this.dropped.add(event.id);
      if (event.kind === 'resumed') this.resumed += 1;
    }
  }

  #take(taken: Taken): void {
    if (taken.kind === 'session') this.sessions.push([]);
    if (taken.kind === 'unreadable') this.unreadable.push(taken.error.message);
    if (taken.kind !== 'message') return;
    const session = this.sessions.at(-1);
    assert.ok(session !== undefined, 'a message before any session');
    session.push((taken.message as string).trimEnd().replace(/x+$/, ''));
  }
}

/** Within each session: messages of one life of the sender, one after the other, none twice and none left out between. */
function checkOrder(receiver: Program): void {
  for (const messages of receiver.sessions) {
    const parsed = messages.map((text) => text.trim().split(' '));
    const [, life, first] = parsed[0] ?? [];
    parsed.forEach(([, own, index], at) => {
      assert.equal([own, Number(index)], [life, Number(first) + at], messages.join('|'));
    });
  }
}

const faults = fc.record({
  loss: fc.constantFrom(0, 0.01, 0.1, 0.3),
  duplication: fc.constantFrom(0, 0.05, 0.3),
  corruption: fc.constantFrom(0, 0.01, 0.1, 0.3),
  noise: fc.constantFrom(0, 0.1, 0.5),
});

const cut = fc
  .record({ from: fc.integer({ min: 0, max: 9000 }), length: fc.integer({ min: 1, max: 12_000 }) })
  .map(({ from, length }) => ({ from, until: Math.min(10_000, from + length) }));

const line = fc.record({
  seed: fc.nat(),
  pace: fc.constantFrom(1, 11.5, 100, 5000),
  latency: fc.constantFrom(0, 1, 20, 200),
  faults,
  goodFrom: fc.constant(10_000),
  cuts: fc.array(cut, { maxLength: 3 }),
});

const sending = fc.record({
  at: fc.nat({ max: 12_000 }),
  side: fc.constantFrom(0, 1),
  size: fc.constantFrom(10, 100, 505, 510, 3000, 20_000),
  count: fc.constantFrom(1, 3, 10),
});
const restarting = fc.record({ at: fc.nat({ max: 10_000 }), side: fc.constantFrom(0, 1) });

const story = fc.record({
  line,
  sendings: fc.array(sending, { minLength: 1, maxLength: 12, size: 'max' }),
  restarts: fc.constantFrom(0, 0, 1, 3).chain((maxLength) => fc.array(restarting, { maxLength })),
  slow: fc.constantFrom(0, 0, 50),
});

type Story = typeof story extends fc.Arbitrary<infer T> ? T : never;

/** Plays it to its end; both programs. */
function play({ line: options, sendings, restarts, slow }: Story): [Program, Program] {
  const played = new SimulatedLine(options);
  const programs = played.ends.map((end) => new Program(end)) as [Program, Program];
  programs[1].end.takeEvery = slow;
  const todo = [
    ...sendings.map((one) => ({ ...one, isRestart: false })),
    ...restarts.map((one) => ({ ...one, isRestart: true, size: 0, count: 0 })),
  ].sort((a, b) => a.at - b.at);
  const each = () => {
    for (let first = todo[0]; first !== undefined && first.at <= played.now; first = todo[0]) {
      todo.shift();
      const side = first.side as 0 | 1;
      if (first.isRestart) {
        played.restart(side);
        programs[side].begin();
      } else for (let nth = 0; nth < first.count; nth++) programs[side].send(first.size);
    }
    for (const { end } of programs) assert.ok(end.link.heldBytes <= mostHeld);
  };
  const isDone = () =>
    todo.length === 0 &&
    played.now > options.goodFrom &&
    programs.every(
      ({ end, sent, acknowledged, dropped }) =>
        end.link.state === 'up' && sent.every(({ id }) => acknowledged.has(id) || dropped.has(id)),
    );
  // Once the line is good it takes as long as the bytes take, twice, and until a silence is noticed and a hello answered.
  const bytes = sendings.reduce((sum, { size, count }) => sum + size * count, 0);
  const taking = slow * sendings.reduce((sum, { count }) => sum + count, 0);
  const limit = 12_000 + 2 * (bytes / options.pace) + taking + 20 * options.latency + 15_000;
  assert.ok(played.run(limit, isDone, each), `not done after ${played.now} ms`);
  // What is acknowledged may still have to be taken.
  played.run(played.now + 60_000, () => false);
  return programs;
}

test('within a session every message comes once and in order, and what is acknowledged has come', () => {
  fc.assert(
    fc.property(story, (one) => {
      const programs = play(one);
      const [tool, gateway] = programs;
      for (const program of programs) {
        assert.equal(program.unreadable, []);
        assert.equal([program.end.link.waitingBytes, program.end.link.heldBytes], [0, 0]);
        checkOrder(program);
      }
      for (const [sender, receiver] of [
        [tool, gateway],
        [gateway, tool],
      ] as const) {
        // Of the session that stands at the end neither process ended: all of it has come, and nothing else.
        const due = sender.sent.filter(({ id }) => !sender.dropped.has(id)).map(({ text }) => text.trim());
        const last = receiver.sessions.at(-1)?.map((text) => text.trim()) ?? [];
        const before = due.length - last.length;
        assert.equal(last, due.slice(before));
        // What came before it was to a process that is gone, or in a session of this one that ended.
        if (one.restarts.length === 0) assert.is(before, 0);
      }
    }),
    { numRuns: Number(process.env.LOADLINE_RUNS ?? 100) },
  );
});

test('on a line that does no harm nothing is sent twice, and little beside the messages', () => {
  for (const [pace, latency] of [
    [1, 0],
    [11.5, 20],
    [100, 200],
    [5000, 1],
  ] as const) {
    const faults = { loss: 0, duplication: 0, corruption: 0, noise: 0 };
    const played = new SimulatedLine({ seed: 3, pace, latency, faults, goodFrom: 0, cuts: [] });
    const tool = new Program(played.ends[0]);
    const gateway = new Program(played.ends[1]);
    for (let nth = 0; nth < 20; nth++) tool.send(10_000);
    const isDone = () => tool.acknowledged.size === 20;
    assert.ok(played.run(1_000_000, isDone));
    const [there, back] = played.sent;
    const what = `${there} and ${back} bytes at ${pace} bytes/ms, ${latency} ms`;
    assert.ok(there < 1.1 * 200_000, what);
    assert.ok(back < 0.1 * 200_000, what);
    // It takes the line's time, and not much more.
    assert.ok(played.now < 1.15 * (there / pace) + 20 * latency + 300, `${played.now} ms for ${what}`);
    assert.is(gateway.sessions[0]?.length, 20);
  }
});

test('a message that waits for a slow program is let come the moment there is room', () => {
  const faults = { loss: 0, duplication: 0, corruption: 0, noise: 0 };
  const played = new SimulatedLine({ seed: 4, pace: 1000, latency: 1, faults, goodFrom: 0, cuts: [] });
  const tool = new Program(played.ends[0]);
  new Program(played.ends[1]).end.takeEvery = 2;
  for (let nth = 0; nth < 600; nth++) tool.send(1000);
  assert.ok(played.run(100_000, () => tool.acknowledged.size === 600));
  assert.ok(played.now < 600 * 2 * 1.3, `${played.now} ms`);
});

test('the first messages of both ends come as soon as they have found each other', () => {
  const faults = { loss: 0, duplication: 0, corruption: 0, noise: 0 };
  const played = new SimulatedLine({ seed: 2, pace: 100, latency: 10, faults, goodFrom: 0, cuts: [] });
  const programs = played.ends.map((end) => new Program(end)) as [Program, Program];
  for (const program of programs) program.send(50);
  const isDone = () => programs.every(({ acknowledged }) => acknowledged.size === 1);
  // Hello, welcome; the other's hello, its welcome; acknowledgement, message; its acknowledgement: seven ways.
  assert.ok(played.run(100, isDone), `not after ${played.now} ms`);
});

test('the last frame of a message that is lost is asked for when its time is over, not when the line seems dead', () => {
  const faults = { loss: 0, duplication: 0, corruption: 0, noise: 0 };
  const cuts = [{ from: 1000, until: 1030 }];
  const played = new SimulatedLine({ seed: 2, pace: 100, latency: 5, faults, goodFrom: 0, cuts });
  const programs = played.ends.map((end) => new Program(end)) as [Program, Program];
  for (let nth = 0; nth < 5; nth++) programs[0].send(600);
  played.run(1000, () => false);
  assert.is(programs[0].acknowledged.size, 5);
  programs[0].send(600);
  assert.ok(
    played.run(1250, () => programs[0].acknowledged.size === 6),
    `not after ${played.now} ms`,
  );
});

test('a process that took the place of another is found as soon as it is spoken to, whichever end calls', () => {
  const faults = { loss: 0, duplication: 0, corruption: 0, noise: 0 };
  for (const side of [0, 1] as const) {
    const played = new SimulatedLine({ seed: 6, pace: 100, latency: 1, faults, goodFrom: 0, cuts: [] });
    const programs = played.ends.map((end) => new Program(end)) as [Program, Program];
    assert.ok(played.run(1000, () => programs.every(({ sessions }) => sessions.length === 1)));
    played.restart(side);
    programs[side].begin();
    const [restarted, other] = [programs[side], programs[1 - side] as Program];
    // The end that answers learns of it by the other's next question; the one that calls calls.
    const limit = played.now + 1500;
    assert.ok(played.run(limit, () => restarted.sessions.length === 1 && other.sessions.length === 2));
  }
});

test.run();
