import { randomInt, randomUUID } from 'node:crypto';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { type Log, makePrivateFolder } from '@loadline/sdk/platform';
import type { Keyring } from '../keys/index.ts';
import { type Carrier, type Obstacle, obstacles } from './carrier.ts';
import { compose, type Envelope, type Sender } from './compose.ts';
import type { MailConfig } from './config.ts';
import type { Mail } from './mail.ts';
import { outboxCarrier } from './outbox.ts';
import { Page } from './page.ts';
import { smtpCarrier } from './smtp.ts';
import { queueFolder, Spool, type Waiting } from './spool.ts';
import { isMailAddress } from './words.ts';

/** What may wait at a time, in mails. One address cannot take the room of all others. */
const mostWaiting = { all: 500, oneAddress: 10 };

/** Milliseconds after which nobody tries any more; a link that has expired ends it earlier. */
const giveUpMilliseconds = 48 * 3_600_000;

/** Milliseconds between attempts: the first pause, doubled each time, and the longest. */
const usualPauses = { first: 5_000, longest: 15 * 60_000 };

/**
 * Milliseconds after which a mail is begun, drawn anew for each: the work of a mail then falls into no moment that who
 * asked for it could measure.
 */
const headStart = { least: 50, most: 250 };

export interface MailerOptions {
  /** The cloud's state folder: `mail-queue/` and `outbox/` are made in it. */
  readonly folder: string;
  /** Where the page is for its users: `https://host` or `https://host:port`. Never from a request. */
  readonly page: string;
  /** The mail server; without one, mails become files in `outbox/`. */
  readonly smtp: MailConfig | undefined;
  /** Seals what waits. */
  readonly keys: Keyring;
  readonly log: Log;
  /** ms since 1970 */
  readonly now: () => number;
  /** Default: 5 s, doubled up to 15 minutes. */
  readonly pauses?: typeof usualPauses;
}

interface Item extends Waiting {
  attempts: number;
  /** `performance.now()` from which it may be tried. */
  from: number;
}

/** Sends mails, one after the other, and keeps those on their way over restarts. */
export class Mailer {
  readonly #page: Page;
  readonly #sender: Sender;
  readonly #carrier: Carrier;
  readonly #spool: Spool;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #pauses: typeof usualPauses;
  /** Handed over and not yet begun. */
  readonly #fresh = new Map<NodeJS.Timeout, Mail>();
  readonly #items = new Set<Item>();
  /** Begun, and not yet on disk. */
  readonly #keeping = new Map<Promise<void>, Mail>();
  readonly #ending = new AbortController();
  readonly #working: Promise<void>;
  /** Failures in a row of the way out as a whole, and until when it rests. */
  #failures = 0;
  #restsUntil = 0;
  #wake: () => void = () => {};

  private constructor(options: MailerOptions, page: Page, spool: Spool, waiting: readonly Waiting[]) {
    const { smtp, folder, log, now, pauses = usualPauses } = options;
    this.#page = page;
    this.#log = log;
    this.#now = now;
    this.#pauses = pauses;
    this.#spool = spool;
    const named = isIP(page.host.replace(/^\[|\]$/g, '')) === 0;
    this.#sender =
      smtp === undefined
        ? { address: `loadline@${named ? page.host : 'localhost'}` }
        : { address: smtp.from, ...(smtp.replyTo !== undefined && { replyTo: smtp.replyTo }) };
    this.#carrier =
      smtp === undefined
        ? outboxCarrier(join(folder, 'outbox'))
        : smtpCarrier(smtp, named ? page.host : undefined);
    for (const one of waiting) this.#items.add({ ...one, attempts: 0, from: 0 });
    this.#working = this.#work();
  }

  /**
   * Takes up what was on its way, and says in the log where mails go.
   *
   * @throws TypeError where `page` is not the bare address of an https page
   */
  static async open(options: MailerOptions): Promise<Mailer> {
    const { folder, smtp, log } = options;
    const page = new Page(options.page);
    const spool = await Spool.open(queueFolder(folder), options.keys);
    if (smtp === undefined) {
      const outbox = join(folder, 'outbox');
      await makePrivateFolder(outbox);
      log.warn('mail-to-outbox', {
        folder: outbox,
        advice: 'name a mail server with --mail to have mails sent',
      });
    } else {
      log.info('mail-by-smtp', { host: smtp.host, port: smtp.port, security: smtp.security });
    }
    const { waiting, lost } = await spool.load();
    if (lost > 0) log.error('mail-lost', { mails: lost, reason: 'sealed with keys that are gone' });
    return new Mailer(options, page, spool, waiting);
  }

  /** Mails that no mail server has yet, nor the outbox. */
  get waiting(): number {
    return this.#fresh.size + this.#keeping.size + this.#items.size;
  }

  /**
   * Takes a mail and returns at once; nothing of writing or sending it happens before that, and it never throws. What
   * cannot be taken or sent is told in the log by its kind alone. It survives a restart from a quarter of a second
   * later on, and an orderly one in any case.
   */
  send(mail: Mail): void {
    if (this.#ending.signal.aborted) {
      this.#log.error('mail-dropped', { kind: mail.kind, reason: 'closed' });
      return;
    }
    const timer = setTimeout(() => this.#begin(timer), randomInt(headStart.least, headStart.most));
    this.#fresh.set(timer, mail);
  }

  /**
   * Deletes the mails to an address: those that wait, and those in `outbox/`. What a mail server has taken is gone. Never
   * throws: a file that cannot be deleted is told in the log.
   */
  async forget(address: string): Promise<void> {
    const isTheirs = (mail: Mail) => mail.to.address.toLowerCase() === address.toLowerCase();
    for (const [timer, mail] of this.#fresh) {
      if (!isTheirs(mail)) continue;
      clearTimeout(timer);
      this.#fresh.delete(timer);
    }
    await Promise.all([...this.#keeping].filter(([, mail]) => isTheirs(mail)).map(([keeping]) => keeping));
    for (const item of this.#items) if (isTheirs(item.mail)) await this.#done(item);
    await this.#clear(address);
  }

  async #clear(address: string): Promise<void> {
    await this.#carrier.forget(address).catch((error: NodeJS.ErrnoException) => {
      this.#log.error('mail-not-removed', { kind: 'outbox', code: error.code });
    });
  }

  /** Ends it: the attempt under way is broken off, and what has not been delivered is on disk. */
  async close(): Promise<void> {
    this.#ending.abort();
    this.#wake();
    for (const timer of [...this.#fresh.keys()]) {
      clearTimeout(timer);
      this.#begin(timer);
    }
    await Promise.all([...this.#keeping.keys(), this.#working]);
  }

  #begin(timer: NodeJS.Timeout): void {
    const mail = this.#fresh.get(timer);
    if (mail === undefined) return;
    this.#fresh.delete(timer);
    const problem = this.#problemWith(mail);
    if (problem !== undefined) {
      this.#log.error('mail-dropped', { kind: mail.kind, reason: problem });
      return;
    }
    const keeping = this.#keep(mail).finally(() => this.#keeping.delete(keeping));
    this.#keeping.set(keeping, mail);
  }

  #problemWith({ to }: Mail): string | undefined {
    if (!isMailAddress(to.address)) return 'not-an-address';
    const waiting = [...this.#keeping.values(), ...[...this.#items].map(({ mail }) => mail)];
    if (waiting.length >= mostWaiting.all) return 'queue-full';
    const alike = waiting.filter((mail) => mail.to.address === to.address);
    return alike.length >= mostWaiting.oneAddress ? 'too-many-for-one-address' : undefined;
  }

  async #keep(mail: Mail): Promise<void> {
    const at = this.#now();
    const end =
      'validUntil' in mail
        ? mail.validUntil
        : 'takesEffect' in mail
          ? mail.takesEffect
          : Number.POSITIVE_INFINITY;
    const waiting = { id: randomUUID(), mail, at, giveUpAt: Math.min(end, at + giveUpMilliseconds) };
    try {
      await this.#spool.keep(waiting);
    } catch (error) {
      if (error instanceof RangeError) {
        this.#log.error('mail-dropped', { kind: mail.kind, reason: 'too-long' });
        return;
      }
      // A full disk: it can still be sent, and only a restart would lose it.
      this.#log.error('mail-not-kept', { kind: mail.kind, code: (error as NodeJS.ErrnoException).code });
    }
    this.#items.add({ ...waiting, attempts: 0, from: 0 });
    this.#wake();
  }

  async #work(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      const item = this.#next();
      const from = item === undefined ? Number.POSITIVE_INFINITY : Math.max(item.from, this.#restsUntil);
      if (item !== undefined && from <= performance.now()) await this.#attempt(item);
      else
        await Promise.race([woken, ...(from === Number.POSITIVE_INFINITY ? [] : [this.#until(from, woken)])]);
    }
  }

  /** Whichever may be tried first; of several that may, the least tried, so that none holds up the others. */
  #next(): Item | undefined {
    const now = performance.now();
    const order = ({ from, attempts }: Item) => [Math.max(from, now), attempts] as const;
    return [...this.#items].reduce<Item | undefined>((best, item) => {
      if (best === undefined) return item;
      const [[from, attempts], [bestFrom, bestAttempts]] = [order(item), order(best)];
      return from < bestFrom || (from === bestFrom && attempts < bestAttempts) ? item : best;
    }, undefined);
  }

  #until(from: number, woken: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(0, from - performance.now()));
      void woken.then(() => clearTimeout(timer));
    });
  }

  async #attempt(item: Item): Promise<void> {
    const { id, mail, at } = item;
    const { kind } = mail;
    if (this.#now() >= item.giveUpAt)
      return this.#giveUp(item, { reason: 'too-late', attempts: item.attempts });
    item.attempts++;
    let envelope: Envelope;
    try {
      envelope = await compose(mail, { page: this.#page, sender: this.#sender, id, at });
    } catch {
      // Kept by another version of this program, which had a kind that this one has not.
      return this.#giveUp(item, { reason: 'cannot-be-written' });
    }
    const outcome = await this.#carrier.deliver({ id, kind, at, envelope }, this.#ending.signal);
    if (outcome.kind === 'later') {
      if (!this.#ending.signal.aborted) this.#putOff(item, outcome.obstacle, outcome.all);
      return;
    }
    this.#failures = 0;
    // Forgotten while it was on its way.
    if (!this.#items.has(item)) return this.#clear(mail.to.address);
    if (outcome.kind === 'refused') return this.#giveUp(item, told(outcome.obstacle));
    await this.#done(item);
    if (outcome.file === undefined) this.#log.info('mail-sent', { kind, attempts: item.attempts });
    else this.#log.info('mail-in-outbox', { file: outcome.file });
  }

  #putOff(item: Item, obstacle: Obstacle, all: boolean): void {
    const failures = all ? ++this.#failures : item.attempts;
    const { first, longest } = this.#pauses;
    const pause = Math.min(longest, first * 2 ** (failures - 1)) * (0.75 + Math.random() / 4);
    const until = performance.now() + pause;
    if (all) this.#restsUntil = until;
    else item.from = until;
    const { attempts } = item;
    this.#log.warn('mail-delayed', {
      kind: item.mail.kind,
      attempts,
      seconds: Math.ceil(pause / 1000),
      waiting: this.#items.size,
      ...told(obstacle),
    });
  }

  async #giveUp(item: Item, why: Readonly<Record<string, string | number>>): Promise<void> {
    await this.#done(item);
    this.#log.error('mail-given-up', { kind: item.mail.kind, ...why });
  }

  async #done(item: Item): Promise<void> {
    this.#items.delete(item);
    // Where the disk fails it is sent again after a restart, under the same Message-ID.
    await this.#spool.remove(item.id).catch((error: NodeJS.ErrnoException) => {
      this.#log.error('mail-not-removed', { kind: item.mail.kind, code: error.code });
    });
  }
}

function told(obstacle: Obstacle): Readonly<Record<string, string | number>> {
  return { ...obstacle, advice: obstacles[obstacle.reason] };
}
