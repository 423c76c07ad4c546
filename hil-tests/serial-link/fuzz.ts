import {
  decodeFrame,
  encodeFrame,
  type Frame,
  Link,
  type LinkOptions,
  type Taken,
} from '@loadline/sdk/serial-link';
import { mutated, noise, oneOf } from '../fuzz/spoil.ts';
import type { FuzzOptions, FuzzRun } from '../fuzz/targets.ts';
import { SeededRandom } from '../rig/random.ts';

export interface LinkFuzzOptions extends FuzzOptions {
  /** Makes an end; a test gives one that is not in order. */
  readonly newLink?: (options: LinkOptions) => Link;
}

/** What a run found. */
export interface LinkFuzzRun extends FuzzRun {
  /** How often each was carried out. */
  readonly attacks: Readonly<Record<string, number>>;
  /** What came of it at the ends in order: messages that were sent and came, sessions that began. */
  readonly good: { readonly sent: number; readonly came: number; readonly sessions: number };
  /** Bytes that one end held at most of what came; of the process, in MiB. */
  readonly held: number;
  readonly memory: { readonly before: number; readonly most: number };
}

/** Milliseconds of the line's own time from one step to the next. */
const step = 5;
/** Frames that are kept to be sent again. */
const keptFrames = 500;
/** Bytes that one end may hold: a message in parts, and what a window lets come beside it. */
const mostHeld = 1_500_000;
/** Milliseconds in which two ends have found each other again: a silence, and hellos. */
const recoveryMs = 10_000;
/** Milliseconds in which everything has come once the attacks are over: a silence, a hello, and what waits. */
const settleMs = 60_000;

/** One end, and the program behind it: it sends numbers, and knows which one is due. */
interface End {
  readonly name: string;
  link: Link;
  life: number;
  sent: number;
  /** Of the session that stands: the life of the other program, and its number that came last. */
  heard: { readonly life: number; readonly number: number } | undefined;
  came: number;
  sessions: number;
}

/**
 * Puts so many hostile bytes, drawn by `seed`, on a line between two ends that go on sending each other numbers, one of
 * which is killed now and then. The time is the line's own, so it takes as long as the bytes take. Beside it, frames that
 * have the session's own tags are put on another line: nothing can be promised to whoever shares a line with such, but
 * that memory is bounded.
 */
export function fuzzLink({ bytes, seed, say = () => {}, newLink }: LinkFuzzOptions): LinkFuzzRun {
  const random = new SeededRandom(seed);
  const line = new Line(random, newLink ?? ((options) => new Link(options)));
  const inside = new Line(random, (options) => new Link(options));
  const attacks: Record<string, number> = {};
  const faults: string[] = [];
  const began = performance.now();
  const memory = { before: resident(), most: 0 };
  let spent = 0;
  let told = 0;
  const play = (what: string, act: () => void) => {
    try {
      act();
    } catch (error) {
      faults.push(`${what}: ${(error as Error).stack}`);
    }
  };
  const lines = [line, inside];
  for (const one of lines) play('the beginning', () => one.run(1000));
  while (spent < bytes && faults.length < 20) {
    const [name, make] = oneOf(random, hostile);
    attacks[name] = (attacks[name] ?? 0) + 1;
    play(name, () => {
      const attack = make(random, line);
      spent += attack.length;
      line.inject(attack);
    });
    const forged = forgedFrame(random, inside);
    spent += forged.length;
    play('a frame with the tags of the session', () => inside.inject(forged));
    if (random.integer(0, 60) === 0) line.restart(oneOf(random, line.ends));
    for (const one of lines) play('what came of it', () => one.run(random.integer(0, 2) * step));
    memory.most = Math.max(memory.most, resident());
    if (spent - told >= bytes / 10) {
      told = spent;
      say(`${spent} bytes, ${line.came} messages came`);
    }
  }
  play('the end', () => line.settle());
  faults.push(...line.faults, ...inside.faults.filter((fault) => fault.includes('holds')));
  return {
    ...{ bytes: spent, seed, seconds: Math.round((performance.now() - began) / 1000), attacks },
    good: { sent: line.sent, came: line.came, sessions: line.sessions },
    held: Math.max(line.held, inside.held),
    ...{ memory, faults },
  };
}

/** Two ends and what is between them. */
class Line {
  readonly ends: readonly [End, End];
  readonly faults: string[] = [];
  /** Frames that were on the line, of sessions that are over too. */
  readonly frames: Uint8Array[] = [];
  held = 0;
  now = 0;
  #isSending = true;
  readonly #random: SeededRandom;
  readonly #newLink: (options: LinkOptions) => Link;

  constructor(random: SeededRandom, newLink: (options: LinkOptions) => Link) {
    this.#random = random;
    this.#newLink = newLink;
    this.ends = [this.#end('tool'), this.#end('gateway')];
  }

  get sent(): number {
    return this.ends.reduce((sum, { sent }) => sum + sent, 0);
  }
  get came(): number {
    return this.ends.reduce((sum, { came }) => sum + came, 0);
  }
  get sessions(): number {
    return this.ends.reduce((sum, { sessions }) => sum + sessions, 0);
  }

  /** Bytes come out at one end, in pieces. */
  inject(bytes: Uint8Array): void {
    const end = oneOf(this.#random, this.ends);
    for (let at = 0; at < bytes.length; ) {
      const size = this.#random.integer(1, 4096);
      this.#give(end, bytes.subarray(at, at + size));
      at += size;
    }
  }

  /** The process of one end is killed, and another one started. */
  restart(end: End): void {
    end.link = this.#link(end.name);
    end.life += 1;
    end.heard = undefined;
  }

  run(ms: number): void {
    for (const until = this.now + ms; this.now < until; this.now += step) {
      for (const end of this.ends) {
        if (this.#isSending && end.link.waitingBytes < 5000) {
          const most = this.#random.integer(0, 50) === 0 ? 60_000 : 900;
          end.link.send([end.life, end.sent++, new Uint8Array(this.#random.integer(0, most))]);
        }
        end.link.tick(this.now);
        this.#carry(end, end === this.ends[0] ? this.ends[1] : this.ends[0]);
      }
    }
  }

  /** Without attacks: when nothing more is to be said, all that waits has to come. */
  settle(): void {
    // What was said to a process that was killed last is not heard by the next: there is to be something that is.
    this.run(recoveryMs);
    this.#isSending = false;
    const isDone = () => this.ends.every(({ link }) => link.state === 'up' && link.waitingBytes === 0);
    for (const until = this.now + settleMs; this.now < until && !isDone(); ) this.run(step);
    if (!isDone()) {
      const states = this.ends.map(
        ({ name, link }) => `${name}: ${link.state}, ${link.waitingBytes} bytes wait`,
      );
      this.faults.push(`not everything came: ${states.join('; ')}`);
    }
    const [tool, gateway] = this.ends;
    for (const [sender, receiver] of [
      [tool, gateway],
      [gateway, tool],
    ] as const) {
      const last = { life: sender.life, number: sender.sent - 1 };
      if (JSON.stringify(receiver.heard) !== JSON.stringify(last)) {
        this.faults.push(
          `${receiver.name} has ${JSON.stringify(receiver.heard)} instead of ${JSON.stringify(last)}`,
        );
      }
    }
  }

  #end(name: string): End {
    return { name, link: this.#link(name), life: 0, sent: 0, heard: undefined, came: 0, sessions: 0 };
  }

  #link(name: string): Link {
    return this.#newLink({
      ...{ role: name === 'tool' ? 'calls' : 'answers', capabilities: [name], now: this.now },
      random: (count) => this.#random.bytes(count),
    });
  }

  #carry(from: End, to: End): void {
    for (let frame = from.link.outgoing(this.now); frame; frame = from.link.outgoing(this.now)) {
      if (this.frames.length < keptFrames) this.frames.push(frame);
      else this.frames[this.#random.integer(0, keptFrames - 1)] = frame;
      this.#give(to, frame);
    }
  }

  #give(end: End, bytes: Uint8Array): void {
    end.link.receive(bytes, this.now);
    const held = end.link.heldBytes;
    this.held = Math.max(this.held, held);
    if (held > mostHeld) this.faults.push(`${end.name} holds ${held} bytes`);
    for (let taken = end.link.take(); taken; taken = end.link.take()) this.#take(end, taken);
  }

  #take(end: End, taken: Taken): void {
    switch (taken.kind) {
      case 'session':
        end.sessions += 1;
        end.heard = undefined;
        return;
      case 'message': {
        end.came += 1;
        // On the line where frames are forged anything may come.
        const [life, number] = Array.isArray(taken.message) ? (taken.message as number[]) : [];
        if (life === undefined || number === undefined) return;
        const { heard } = end;
        if (heard !== undefined && (heard.life !== life || heard.number + 1 !== number)) {
          this.faults.push(`${end.name} heard ${life}/${number} after ${heard.life}/${heard.number}`);
        }
        end.heard = { life, number };
        return;
      }
      case 'unreadable':
        this.faults.push(`${end.name}: ${taken.error.message}`);
        return;
      case 'ended':
        this.faults.push(`${end.name}: a session was ended that nobody ended`);
    }
  }
}

/** What can be done without the tags of the session: it has to cost nobody a message. */
const hostile: readonly (readonly [string, (random: SeededRandom, line: Line) => Uint8Array])[] = [
  ['noise', (random) => noise(random, 4096)],
  ['noise without an end', (random) => noise(random, 4096).map((byte) => byte || 1)],
  ['zeros', (random) => Buffer.alloc(random.integer(1, 2000))],
  ['a console', (random) => Buffer.from(oneOf(random, console_).repeat(random.integer(1, 20)))],
  ['frames again', (random, { frames }) => Buffer.concat(some(random, frames))],
  ['spoilt frames', (random, { frames }) => mutated(random, Buffer.concat(some(random, frames)))],
  [
    'frames cut off',
    (random, { frames }) => Buffer.concat(some(random, frames).map((one) => one.subarray(0, 9))),
  ],
  ['hellos of strangers', (random) => strangers(random)],
];

const console_ = [
  '\r\nDebian GNU/Linux 12 raspberrypi ttyS0\r\n\r\nraspberrypi login: ',
  '[   12.345678] usb 1-1.2: USB disconnect, device number 4\r\n',
  '\u001b[2J\u001b[H^@^ALK',
];

function some(random: SeededRandom, frames: readonly Uint8Array[]): Uint8Array[] {
  return Array.from({ length: random.integer(1, 20) }, () => oneOf(random, frames));
}

/** Hellos and welcomes that are whole, of processes that are not there, spoilt before their checksum is made. */
function strangers(random: SeededRandom): Uint8Array {
  const all = Array.from({ length: random.integer(1, 10) }, () => {
    const said = Buffer.concat([
      Buffer.from('84810148', 'hex'),
      random.bytes(8),
      Buffer.of(0x48),
      random.bytes(8),
      Buffer.from('8164746f6f6c', 'hex'),
    ]);
    const body = random.integer(0, 2) === 0 ? mutated(random, said) : said;
    return encodeFrame({ kind: oneOf(random, ['hello', 'welcome']), body: body.subarray(0, 512) });
  });
  return Buffer.concat(all);
}

/** A frame whose checksum and tag are right, and whose parts are as they happen to be. */
function forgedFrame(random: SeededRandom, { frames }: Line): Uint8Array {
  const frame = decodeFrame(oneOf(random, frames).subarray(1, -1));
  const number = () =>
    oneOf(random, [0, 1, random.integer(0, 300), random.integer(0, 2 ** 31 - 1), 2 ** 48 - 1]);
  const forged = (given: Frame): Frame => {
    switch (given.kind) {
      case 'data':
        return {
          ...{ ...given, transmission: number(), isLast: random.integer(0, 9) === 0 },
          // Often the one that is due: what comes of it is put together with what is in order.
          number: random.integer(0, 1) === 0 ? number() : given.number + random.integer(0, 3),
        };
      case 'ack':
        return {
          ...{ ...given, next: number(), limit: number(), transmission: number() },
          selective: random.bytes(random.integer(0, 16)),
        };
      case 'ping':
        return { ...given, transmission: number() };
      case 'hello':
      case 'welcome':
        return { ...given, body: mutated(random, given.body).subarray(0, 512) };
      case 'bye':
        return given;
    }
  };
  if (frame.kind === 'noise' || frame.kind === 'foreign') throw new Error('a frame of a link is no frame');
  return encodeFrame(forged(frame));
}

/** MiB of this process. */
function resident(): number {
  return Math.round(process.memoryUsage.rss() / 1024 / 1024);
}
