import type { KeyObject } from 'node:crypto';
import { type Alarm, Alarms } from './alarms.ts';
import { type Block, blockId, keyOfBlock, type UnblockedBy } from './block.ts';
import { issueDeviceCookie, readDeviceCookie } from './device-cookie.ts';
import {
  countFailure,
  type Entry,
  emptyEntry,
  isHeld,
  nothingUntold,
  sourcesNamed,
  waitMs,
} from './entry.ts';
import { attemptMs, attemptsUnderWay, type BucketName, type Limits, limits, policies } from './limits.ts';
import { sourceOf } from './source.ts';
import { type HashedSubject, type Subject, subjectId } from './subject.ts';
import { Table, type TableSize } from './table.ts';

/** One try at getting in. */
export interface Attempt {
  readonly subject: Subject;
  /** The address it comes from, as the socket or a trusted proxy tells it. */
  readonly source: string;
  /** The value of the device cookie, where there is one. */
  readonly device?: string;
  /**
   * The secret itself was checked and is genuine (a sealed token, a derived secret), and what is left to ask is
   * whether it still stands. Guesses of others then do not count, nor does the source: its bearer is no guesser.
   */
  readonly seal?: 'holds';
}

/** An attempt that was let through. It counts as a failure until its end is told. */
export interface Permit {
  readonly attempt: Attempt;
  /** It came from a device that is known, or under a seal that holds. */
  readonly trusted: boolean;
}

/** What holds an attempt up. The same for subjects that are known and that are not: it may be told. */
export type Refusal = 'delay' | 'ceiling' | 'disabled' | 'source' | 'factor' | 'busy';

export type Answer =
  | { readonly go: true; readonly permit: Permit }
  /** `retryAfterSeconds` is whole, at least 1; a day where waiting does not end it. */
  | { readonly go: false; readonly retryAfterSeconds: number; readonly why: Refusal };

export interface GuardOptions {
  /** Hashes names. Must stay the same for blocks to be found again after a restart. */
  readonly nameKey: KeyObject;
  /** Signs device cookies with the first, and accepts those of all. */
  readonly deviceKeys: readonly [KeyObject, ...KeyObject[]];
  /** ms since 1970. */
  readonly now: () => number;
  readonly onAlarm: (alarm: Alarm) => void;
  /** A block began or goes on: to be kept under its id, in place of an earlier one. */
  readonly onBlock: (block: Block) => void;
  readonly onUnblock: (block: Block, by: UnblockedBy) => void;
  readonly size?: TableSize;
}

/** One counter that an attempt counts in. */
interface Stake {
  readonly bucket: BucketName;
  readonly key: string;
  readonly limits: Limits;
  /** When the cookie of a known device ends. */
  readonly trustedUntil?: number;
}

const dayMs = 86_400_000;
const tickMs = 60_000;

/** The one guard of every door against guessing. Knows no accounts: who exists and who does not looks the same to it. */
export class Guard {
  readonly #options: GuardOptions;
  readonly #tables: Record<BucketName, Table>;
  readonly #alarms: Alarms;
  readonly #blocks = new Map<string, Block>();
  /** In the order in which they were let through. */
  readonly #underWay = new Map<Permit, { stakes: readonly Stake[]; at: number }>();
  #ticked = 0;

  constructor(options: GuardOptions) {
    this.#options = options;
    this.#alarms = new Alarms(options.onAlarm);
    const table = (bucket: BucketName, overflow: 'share' | 'forget') =>
      new Table(limits[bucket], {
        overflow,
        onDropped: (key) => this.#unlist(blockId(bucket, key), 'overflow'),
        size: options.size,
      });
    this.#tables = {
      pair: table('pair', 'share'),
      subject: table('subject', 'share'),
      code: table('code', 'share'),
      // The next two have entries of people who know a password only: no stranger fills them, and sharing would let
      // one person's failures count against another's device.
      factor: table('factor', 'forget'),
      device: table('device', 'forget'),
      source: table('source', 'share'),
      network: table('network', 'share'),
    };
  }

  /** May this attempt be made now? It counts from here on, so that attempts at one moment are not all the first. */
  ask(attempt: Attempt): Answer {
    const now = this.#options.now();
    if (now - this.#ticked >= tickMs) this.tick();
    const { stakes, trusted } = this.#plan(attempt, now);
    const counters = stakes.map((stake) => ({ stake, entry: this.#take(stake, now) }));
    const held = longestWait(counters, now);
    if (held) {
      held.entry.untold.refused += 1;
      const seconds = Math.ceil(Math.min(held.wait, dayMs) / 1000);
      return { go: false, retryAfterSeconds: Math.max(1, seconds), why: whyOf(held.stake, held.entry, now) };
    }
    if (!trusted && this.#underWay.size >= attemptsUnderWay) {
      return { go: false, retryAfterSeconds: 1, why: 'busy' };
    }
    for (const { stake, entry } of counters) {
      entry.pending += 1;
      entry.last = now;
      this.#store(stake, entry, now);
    }
    const permit: Permit = { attempt, trusted };
    this.#underWay.set(permit, { stakes, at: now });
    return { go: true, permit };
  }

  /** The attempt was wrong. */
  failed(permit: Permit): void {
    const now = this.#options.now();
    this.#end(permit, now, (stake, entry) => this.#countFailure(stake, entry, permit.attempt, now));
  }

  /**
   * The attempt was right: what failed before it in its own counters is forgotten. What failed against the subject
   * from everywhere, and from the source, stays and fades, or an attacker would wait for the owner, or log in himself.
   */
  succeeded(permit: Permit): void {
    const now = this.#options.now();
    this.#end(permit, now, (stake, entry) => {
      if (stake.limits.rule === 'hold') return;
      entry.row = 0;
      if (stake.limits.rule === 'ladder') entry.emptyAt = now;
      if (stake.limits.rule === 'ladder' || entry.held?.kind === 'disabled') {
        entry.held = undefined;
        this.#unlist(blockId(stake.bucket, stake.key), 'proven');
      }
    });
  }

  /** The attempt could not be decided (the database was away): it counts for nothing. */
  undecided(permit: Permit): void {
    this.#end(permit, this.#options.now(), () => {});
  }

  /**
   * The value of the device cookie after a whole login on it. `subject` is the one of the login, `previous` the
   * cookie's value so far. The bearer is counted for himself, and so is never locked out by others.
   */
  remember(subject: Subject, previous?: string): string {
    return issueDeviceCookie(this.#options.deviceKeys, this.#holder(subject), this.#options.now(), previous);
  }

  /** The subject has a new secret: guesses at the old one are forgotten, on every device that is not known. */
  renewed(subject: Subject): void {
    const stake = this.#ownStake(subject);
    this.#tables[stake.bucket].delete(stake.key);
    this.#unlist(blockId(stake.bucket, stake.key), 'renewed');
  }

  /** A subject as blocks and alarms name it: to find out whom they mean. */
  hashed(subject: Subject): HashedSubject {
    return { kind: subject.kind, id: subjectId(this.#options.nameKey, subject) };
  }

  /** The blocks of now, the latest last. */
  blocks(): Block[] {
    const now = this.#options.now();
    return [...this.#blocks.values()].filter((block) => block.until === null || block.until > now);
  }

  /** Ends a block and forgets the failures behind it. The block that was, for the audit log; undefined: there is none. */
  unblock(id: string): Block | undefined {
    const block = this.#blocks.get(id);
    if (block === undefined) return undefined;
    const { bucket, key } = keyOfBlock(id);
    this.#tables[bucket].delete(key);
    this.#unlist(id, 'unblocked');
    return block;
  }

  /** Takes up the blocks that were kept, before the first attempt. Failures below a block are not kept. */
  restore(blocks: Iterable<Block>): void {
    const now = this.#options.now();
    for (const block of blocks) {
      if (block.until !== null && block.until <= now) {
        this.#options.onUnblock(block, 'time');
        continue;
      }
      const { bucket, key } = keyOfBlock(block.id);
      const { kind, since, until, last, emptyAt, row, repeats } = block;
      const entry = { ...emptyEntry(now), last, emptyAt, row, repeats, held: { kind, since, until } };
      this.#tables[bucket].store(key, limits[bucket], entry, now);
      this.#blocks.set(block.id, block);
    }
  }

  /** To be called about once a minute: ends what is over, and tells what has waited. */
  tick(): void {
    const now = this.#options.now();
    this.#ticked = now;
    for (const [permit, { at }] of this.#underWay) {
      if (now - at < attemptMs) break;
      this.failed(permit);
    }
    for (const block of this.#blocks.values()) {
      if (block.until !== null && block.until <= now) this.#unlist(block.id, 'time');
    }
    this.#alarms.tell(now);
  }

  /** Entries in memory: bounded, whatever is asked. */
  get size(): number {
    return Object.values(this.#tables).reduce((sum, table) => sum + table.size, this.#underWay.size);
  }

  #plan(attempt: Attempt, now: number): { stakes: Stake[]; trusted: boolean } {
    const { subject } = attempt;
    const own = this.#ownStake(subject);
    const { place, network } = sourceOf(attempt.source);
    const pair: Stake = { bucket: 'pair', key: `${own.key}@${place}`, limits: limits.pair };
    if (attempt.seal === 'holds') return { stakes: [pair], trusted: true };
    const device = this.#deviceStake(attempt, now);
    if (device) return { stakes: [device], trusted: true };
    const { kind, name } = subject;
    if (kind === 'second-factor') return { stakes: [own], trusted: false };
    const { lane } = policies[kind];
    const stakes: Stake[] = [{ bucket: 'source', key: `${lane}@${place}`, limits: limits.source }];
    if (network) stakes.push({ bucket: 'network', key: `${lane}@${network}`, limits: limits.network });
    // What names nobody is nobody's delay and nobody's ceiling.
    if (name !== '') stakes.push(pair, own);
    return { stakes, trusted: false };
  }

  #ownStake(subject: Subject): Stake {
    const key = `${subject.kind}:${this.hashed(subject).id}`;
    if (subject.kind === 'second-factor') return { bucket: 'factor', key, limits: limits.factor };
    const policy = policies[subject.kind];
    return { bucket: policy.bucket, key, limits: policy.limits };
  }

  /** The counter of a known device, unless it has failed so often that it is as any other. */
  #deviceStake(attempt: Attempt, now: number): Stake | undefined {
    if (attempt.device === undefined) return undefined;
    const holder = this.#holder(attempt.subject);
    const device = readDeviceCookie(this.#options.deviceKeys, holder, now, attempt.device);
    if (device === undefined) return undefined;
    const key = `${attempt.subject.kind}:${this.hashed(attempt.subject).id}@${device.nonce}`;
    if (this.#tables.device.isHeld(key, now)) return undefined;
    return { bucket: 'device', key, limits: limits.device, trustedUntil: device.until };
  }

  /** Whose a device cookie is: the account, also for its second factor. */
  #holder(subject: Subject): string {
    const kind = subject.kind === 'second-factor' ? 'account' : subject.kind;
    return `${kind}:${subjectId(this.#options.nameKey, { kind, name: subject.name })}`;
  }

  #countFailure(stake: Stake, entry: Entry, attempt: Attempt, now: number): void {
    const { untold } = entry;
    if (untold.failures === 0) untold.first = now;
    untold.failures += 1;
    if (untold.sources.size < sourcesNamed) untold.sources.add(sourceOf(attempt.source).place);
    const before = entry.held;
    countFailure(stake.limits, entry, now, stake.trustedUntil);
    if (entry.held && entry.held !== before) this.#list(stake, entry, attempt, now);
  }

  #list(stake: Stake, entry: Entry, attempt: Attempt, now: number): void {
    const { held, untold } = entry;
    if (held === undefined) return;
    const id = blockId(stake.bucket, stake.key);
    const sources = [...untold.sources];
    const ofSource = stake.limits.rule === 'hold';
    const subject = ofSource ? undefined : this.hashed(attempt.subject);
    const { last, emptyAt, row, repeats } = entry;
    const block: Block = {
      id,
      ...held,
      ...(subject ? { subject } : { source: stake.key.slice(stake.key.indexOf('@') + 1) }),
      sources,
      failures: untold.failures + (this.#blocks.get(id)?.failures ?? 0),
      last,
      emptyAt,
      row,
      repeats,
    };
    this.#blocks.delete(id);
    this.#blocks.set(id, block);
    this.#options.onBlock(block);
    const { failures, refused, first } = untold;
    entry.untold = nothingUntold(now);
    const alarm = {
      kind: held.kind,
      sources,
      blocks: 1,
      failures,
      refused,
      first,
      last: now,
      until: held.until,
    };
    this.#alarms.add(
      subject ? { ...alarm, subject: { ...subject, name: attempt.subject.name } } : alarm,
      now,
    );
  }

  #unlist(id: string, by: UnblockedBy): void {
    const block = this.#blocks.get(id);
    if (block === undefined) return;
    this.#blocks.delete(id);
    this.#options.onUnblock(block, by);
  }

  /** Ends an attempt once: what is told of it later changes nothing. */
  #end(permit: Permit, now: number, count: (stake: Stake, entry: Entry) => void): void {
    const stakes = this.#underWay.get(permit)?.stakes ?? [];
    this.#underWay.delete(permit);
    for (const stake of stakes) {
      const entry = this.#take(stake, now);
      entry.pending = Math.max(0, entry.pending - 1);
      count(stake, entry);
      this.#store(stake, entry, now);
    }
  }

  #take(stake: Stake, now: number): Entry {
    return this.#tables[stake.bucket].take(stake.key, stake.limits, now);
  }

  #store(stake: Stake, entry: Entry, now: number): void {
    this.#tables[stake.bucket].store(stake.key, stake.limits, entry, now);
  }
}

interface Counter {
  readonly stake: Stake;
  readonly entry: Entry;
}

function longestWait(counters: readonly Counter[], now: number): (Counter & { wait: number }) | undefined {
  const waits = counters.map((counter) => ({
    ...counter,
    wait: waitMs(counter.stake.limits, counter.entry, now),
  }));
  return waits.filter(({ wait }) => wait > 0).sort((a, b) => b.wait - a.wait)[0];
}

function whyOf(stake: Stake, entry: Entry, now: number): Refusal {
  if (stake.limits.rule === 'hold') return isHeld(entry, now) ? 'source' : 'busy';
  if (stake.bucket === 'factor' && entry.held?.kind !== 'disabled') return 'factor';
  if (stake.limits.rule === 'ladder' && !isHeld(entry, now)) return 'delay';
  return entry.held?.kind === 'disabled' && isHeld(entry, now) ? 'disabled' : 'ceiling';
}
