import { setTimeout as delay } from 'node:timers/promises';
import { type CommandBody, type CommandMessage, commandMessage, limits } from '@loadline/sdk/contract';
import type { Log } from '@loadline/sdk/platform';
import type { EventWords } from '@loadline/sdk/telemetry';
import * as z from 'zod';
import type { Time } from '../clock/index.ts';
import { CommandMemory, commandState, type Outcome } from './command-memory.ts';
import { clip, Trickle } from './hostile.ts';
import { judge } from './judge.ts';
import { type KeptFile, reasonOf, StateFile } from './state-file.ts';

/** Milliseconds a command may take, once begun. */
const executeMilliseconds = 60_000;
/** Milliseconds from a new link on in which commands wait for somebody to vouch for the time, and between two looks. */
const vouching = { limit: 10_000, look: 20 };
/** Outcomes of commands that were not begun, kept in memory to answer a repeated one alike. */
const maxRefused = 256;

/** Thrown by an executor that will not: the command was understood, and nothing was done. */
export class CommandRefused extends Error {
  override readonly name = 'CommandRefused';
}

/**
 * Carries out a command of one kind, once. Resolves with what was done, in words; throws CommandRefused where nothing
 * was done, any other error where it failed. `until`: ms of the monotonic clock; what has not begun by then must not.
 */
export type Executors = {
  readonly [Kind in CommandBody['kind']]: (
    command: Extract<CommandBody, { kind: Kind }>,
    until: number,
  ) => Promise<string>;
};

export interface CommandsOptions {
  /** `commands.json` in the state folder. */
  readonly file: KeptFile;
  readonly execute: Executors;
  /** Resolves to whether the cloud has acknowledged it. */
  readonly publish: (channel: 'result', json: string) => Promise<boolean>;
  readonly time: () => Time;
  readonly monotonic: () => number;
  readonly onEvent: (event: EventWords) => void;
  readonly log: Log;
  readonly executeMilliseconds?: number;
}

const identified = z.object({ id: z.uuid() });

/**
 * Commands of the cloud: each carried out at most once, one after the other, not after it has expired by a time that
 * somebody vouches for, and answered with a result, which is sent until it is acknowledged.
 */
export class Commands {
  readonly #options: CommandsOptions;
  readonly #memory: CommandMemory;
  /** Commands that were not begun, and why: the oldest first. */
  readonly #refused = new Map<string, Outcome>();
  /** Results the cloud has not acknowledged. */
  readonly #open = new Map<string, Outcome>();
  readonly #sending = new Set<string>();
  readonly #queue = new Map<string, CommandMessage>();
  readonly #trickle = new Trickle();
  readonly #file: StateFile<z.infer<typeof commandState>>;
  #working = false;
  #stopped = false;
  /** Monotonic milliseconds until which the cloud may still be about to say what time it is. */
  #vouchedBy = Number.NEGATIVE_INFINITY;

  constructor(options: CommandsOptions) {
    this.#options = options;
    const { file, log } = options;
    this.#file = new StateFile({ file, log, name: 'commands.json', schema: commandState });
    this.#memory = new CommandMemory(this.#file);
  }

  /** Reads what was begun before. Whatever is on disk, it does not throw. */
  async open(): Promise<void> {
    for (const id of await this.#memory.open()) {
      this.#event('command-failed', `${id}: begun before a restart, its outcome is not known`);
    }
    for (const [id, outcome] of this.#memory.outcomes()) this.#open.set(id, outcome);
  }

  /** There is a link: results that were not acknowledged are sent again. */
  connected(): void {
    this.#vouchedBy = this.#options.monotonic() + vouching.limit;
    for (const [id, outcome] of this.#open) void this.#send(id, outcome);
  }

  /** What came on the topic `command`, as parsed from JSON. Never throws. */
  received(message: unknown): void {
    const named = identified.safeParse(message);
    if (!named.success) {
      const pass = this.#trickle.pass(this.#options.monotonic());
      const reason = 'it has no id to answer to';
      if (pass) this.#options.log.warn('command-malformed', { reason, unsaid: pass.held });
      return;
    }
    const { id } = named.data;
    const known = this.#refused.get(id) ?? this.#memory.outcome(id);
    if (known) this.#answer(id, known);
    if (known !== undefined || this.#queue.has(id)) return;
    const parsed = commandMessage.safeParse(message);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      this.#refuse(
        id,
        'refused',
        `not a command of this version: ${issue?.path.join('.')} ${issue?.message}`,
      );
    } else if (this.#queue.size >= limits.commandsWaiting) {
      this.#refuse(id, 'refused', `${limits.commandsWaiting} commands are waiting already`);
    } else {
      this.#queue.set(id, parsed.data);
      void this.#work();
    }
  }

  /** Begins no further command. */
  stop(): void {
    this.#stopped = true;
    this.#file.stop();
  }

  async #work(): Promise<void> {
    if (this.#working) return;
    this.#working = true;
    for (const [id, message] of this.#queue) {
      if (this.#stopped) break;
      await this.#carryOut(message).catch((error) =>
        this.#options.log.error('command-lost', { id, reason: clip(reasonOf(error), 300) }),
      );
      this.#queue.delete(id);
    }
    this.#working = false;
  }

  async #carryOut({ id, expires, command }: CommandMessage): Promise<void> {
    const { time } = this.#options;
    await this.#vouched(expires);
    // The cloud still has it, and will send it to the next run.
    if (this.#stopped) return;
    this.#memory.forget(time(), (open) => this.#open.has(open));
    const before = judge(expires, time());
    if (before.kind === 'not') return this.#refuse(id, before.outcome.outcome, before.outcome.detail);
    if (await this.#memory.mayHaveBegun(expires, before.now)) {
      const why = 'the memory of commands was lost: it may have been carried out already';
      return this.#refuse(id, 'refused', why);
    }
    const fault = await this.#memory.begin(id, expires);
    if (fault !== undefined) return this.#refuse(id, 'refused', fault);
    // The disk may have taken its time.
    const judgement = judge(expires, time());
    const outcome =
      judgement.kind === 'not' ? judgement.outcome : await this.#execute(command, judgement.left);
    await this.#memory.end(id, outcome);
    this.#say(id, command.kind, outcome);
    this.#answer(id, outcome);
  }

  /** What waited in the cloud comes with the link, a moment before the cloud has said what time it is. */
  async #vouched(expires: number): Promise<void> {
    const { time, monotonic } = this.#options;
    while (!this.#stopped && monotonic() < this.#vouchedBy) {
      const { kind, wall } = time();
      if (kind === 'known' || expires <= wall) return;
      await delay(vouching.look);
    }
  }

  async #execute(command: CommandBody, left: number): Promise<Outcome> {
    const limit = this.#options.executeMilliseconds ?? executeMilliseconds;
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => reject(new Error(`no outcome within ${limit} ms: whether it was carried out is not known`)),
      limit,
    );
    // An executor that never ends keeps no process from ending.
    timer.unref();
    try {
      const until = this.#options.monotonic() + left;
      const executor = this.#options.execute[command.kind] as (
        command: CommandBody,
        until: number,
      ) => Promise<string>;
      const detail = await Promise.race([executor(command, until), late]);
      return { outcome: 'done', detail: clip(detail, 300) };
    } catch (error) {
      const outcome = error instanceof CommandRefused ? 'refused' : 'failed';
      return { outcome, detail: clip(reasonOf(error), 300) };
    } finally {
      clearTimeout(timer);
    }
  }

  /** Answers a command that was not begun. */
  #refuse(id: string, outcome: Outcome['outcome'], detail: string): void {
    const refusal = { outcome, detail: clip(detail, 300) };
    this.#refused.set(id, refusal);
    for (const oldest of this.#refused.keys()) {
      if (this.#refused.size <= maxRefused) break;
      this.#refused.delete(oldest);
      this.#open.delete(oldest);
    }
    this.#say(id, '', refusal);
    this.#answer(id, refusal);
  }

  #answer(id: string, outcome: Outcome): void {
    this.#open.set(id, outcome);
    void this.#send(id, outcome);
  }

  async #send(id: string, outcome: Outcome): Promise<void> {
    if (this.#sending.has(id)) return;
    this.#sending.add(id);
    try {
      const json = JSON.stringify({ version: 1, id, ...outcome });
      if (await this.#options.publish('result', json)) this.#open.delete(id);
    } catch {
      // Not acknowledged, so it is sent again on the next link.
    } finally {
      this.#sending.delete(id);
    }
  }

  #say(id: string, kind: string, { outcome, detail }: Outcome): void {
    const what = `${kind} ${id}: ${detail}`.trimStart();
    if (outcome === 'done') this.#event('command-done', what);
    else if (outcome === 'failed') this.#event('command-failed', what);
    else if (this.#trickle.pass(this.#options.monotonic())) {
      this.#event('command-refused', outcome === 'expired' ? `expired: ${what}` : what);
    }
  }

  #event(code: EventWords['code'], detail: string): void {
    this.#options.onEvent({ code, subject: '', detail: clip(detail, limits.eventDetailBytes) });
  }
}
