import { jsonLog } from '@loadline/sdk/platform';
import type { Anchor, GatewayEvent } from '@loadline/sdk/telemetry';
import type { Clock } from './clock.ts';
import type { Floors } from './floor.ts';
import { Timekeeper } from './timekeeper.ts';

export const noon = Date.UTC(2026, 10, 22, 12);

/**
 * A world for tests of the timekeeper: true time, a monotonic clock that runs at its own rate, a wall clock that
 * anybody may set, a system that synchronises it, and a cloud that answers when it is told to.
 */
export class TestWorld {
  true = noon;
  up = 5000;
  /** Parts of one by which the monotonic clock runs fast. */
  rate = 0;
  wallOffset: number;
  touched: number | undefined;
  asked: number[] = [];
  anchors: Anchor[] = [];
  events: Pick<GatewayEvent, 'code' | 'detail'>[] = [];
  floorsKept: number[] = [];
  logged: string[] = [];
  readonly keeper: Timekeeper;

  constructor({ own = 0, saved = 0 }: Partial<Floors> = {}, wall = 0) {
    this.wallOffset = wall - this.up;
    const clock: Clock = {
      boot: 'ab'.repeat(16),
      monotonic: () => this.up,
      wall: () => this.wall,
    };
    this.keeper = new Timekeeper({
      clock,
      log: jsonLog((line) => this.logged.push(line), Date.now),
      floors: { own, saved },
      synchronizedAt: () => this.touched,
      ask: ({ sent }) => this.asked.push(sent),
      keepFloor: async (kept) => {
        this.floorsKept.push(kept);
      },
      onAnchor: (anchor) => this.anchors.push(anchor),
      onEvent: (event) => this.events.push(event),
    });
  }

  get wall(): number {
    return Math.floor(this.up + this.wallOffset);
  }

  get codes(): string[] {
    return this.events.map(({ code }) => code);
  }

  pass(milliseconds: number): void {
    this.true += milliseconds;
    this.up += milliseconds * (1 + this.rate);
  }

  /** Passes in steps of a look each. */
  run(milliseconds: number, step = 60_000): void {
    for (let left = milliseconds; left > 0; left -= step) {
      this.pass(Math.min(left, step));
      this.keeper.tick();
    }
  }

  set(wall: number): void {
    this.wallOffset = wall - this.up;
  }

  /** What systemd-timesyncd does: sets the clock, then touches its file. */
  synchronise(error = 0): void {
    this.set(this.true + error);
    this.touched = this.wall;
  }

  /** The cloud answers the question that is open, after a way there and back. */
  answer(there = 20, back = 20, error = 0): void {
    const sent = this.asked.at(-1) ?? 0;
    this.pass(there);
    const wall = Math.floor(this.true + error);
    this.pass(back);
    this.keeper.answered(JSON.stringify({ version: 1, sent, wall }));
  }

  /** A whole round of questions on a new connection. */
  connectAndAnswer(error = 0): void {
    this.keeper.connected();
    for (let question = 0; question < 4; question++) this.answer(20, 20, error);
  }
}
