import type { PortLedger } from '@loadline/sdk/contract';
import type { Candidate } from './candidates.ts';
import { Complaints } from './complaints.ts';
import { Finder } from './finder.ts';
import type { Holder } from './holders.ts';
import type { NoiseVerdict } from './noise.ts';
import type { RadioPortOptions } from './port-options.ts';
import { addCounts, type Counts, noCounts } from './receiver.ts';
import { type Expectation, expectsAny, saidOf } from './recognition.ts';
import { Session, type SessionOwner } from './session.ts';
import { type Transmit, type TransmitResult, Transmitter } from './transmission.ts';

/** First and longest wait before a port is opened again, in milliseconds: a replug is noticed well within a second. */
const reopen = { first: 50, longest: 500 };
/** Milliseconds that an opening must last to count as one. */
const settledMilliseconds = 1000;
/** Milliseconds that closing may take when the gateway stops. */
const stopMilliseconds = 2000;

/**
 * One configured port, open whenever its device is there, for as long as the gateway runs. Which of several devices
 * is its own it finds out by listening; what it hears on a twin's, the twin gets.
 */
export class RadioPort implements SessionOwner {
  readonly #options: RadioPortOptions;
  readonly #expected: Expectation;
  readonly #complaints: Complaints;
  readonly #finder: Finder;
  #session: Session | undefined;
  /** A device that could not be opened just now. */
  #wanted: Candidate | undefined;
  #isOpening = false;
  #attempting: Promise<void> = Promise.resolve();
  #past: Counts = noCounts;
  #reopenTimer: NodeJS.Timeout | undefined;
  #listenTimer: NodeJS.Timeout | undefined;
  #failures = 0;
  #beganAt = 0;
  #isStopped = false;
  #onStopped: (() => void) | undefined;

  /** @throws Error where the driver refuses the port's options, naming the key */
  constructor(options: RadioPortOptions) {
    const { port, driver, clock, onEvent, onChange } = options;
    this.#options = options;
    this.#expected = { bases: port.base_addresses, tags: port.expect_tags };
    this.#complaints = new Complaints(
      port.name,
      () => clock.monotonic(),
      (event) => {
        onEvent(event);
        onChange();
      },
    );
    this.#finder = new Finder(options);
    // A wrong option shows at once, not at the first opening.
    driver.open(port.options);
  }

  get name(): string {
    return this.#options.port.name;
  }

  get ledger(): PortLedger {
    const session = this.#session;
    const isOpen = session?.isRecognised ?? false;
    const trouble = this.#trouble;
    return {
      name: this.name,
      open: isOpen,
      ...(trouble !== undefined && { trouble }),
      ...(session !== undefined && isOpen ? addCounts(this.#past, session.receiver.counts) : this.#past),
    };
  }

  get #trouble(): string | undefined {
    const session = this.#session;
    if (session === undefined || this.#complaints.trouble !== undefined) return this.#complaints.trouble;
    if (!session.isRecognised) return `listening on ${session.candidate.path} for ${saidOf(this.#expected)}`;
    if (session.receiver.failure !== undefined) return session.receiver.failure;
    return session.isNoisy ? 'most bytes of the last minutes were no valid frames' : undefined;
  }

  /** The device that is open, or could not be opened just now. */
  get device(): Candidate | undefined {
    return this.#session?.candidate ?? this.#wanted;
  }

  /** Who else has this port's device open now. */
  held(holders: readonly Holder[]): void {
    this.#complaints.held(holders, this.device?.path ?? this.#options.port.path);
  }

  /** Opens the port as soon as its device is there, and again whenever it comes back, until `stop`. */
  open(): void {
    if (this.#isStopped || this.#isOpening || this.#session !== undefined) return;
    this.#isOpening = true;
    this.#attempting = this.#attempt()
      .catch((error: Error) => this.#complaints.unavailable(error.message))
      .finally(() => {
        this.#isOpening = false;
        if (this.#session === undefined) this.#reopenLater();
      });
  }

  /** Closes the port for good; frames that noise had swallowed still come out. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#reopenTimer);
    clearTimeout(this.#listenTimer);
    // A driver of the kernel may sit on a port that it is to open or close.
    const limit = Promise.withResolvers<void>();
    const timer = setTimeout(limit.resolve, stopMilliseconds);
    await Promise.race([this.#end(), limit.promise]);
    clearTimeout(timer);
  }

  /** Waits for an opening that is under way, too: whoever opens the device next would share its bytes with it. */
  async #end(): Promise<void> {
    await this.#attempting;
    const session = this.#session;
    if (session === undefined) return;
    await new Promise<void>((resolve) => {
      this.#onStopped = resolve;
      session.close('the gateway stops');
    });
  }

  /** Sends a command over the present opening, and waits for its answer. EXPERIMENTAL, and off by default. */
  async transmit(command: Transmit): Promise<TransmitResult> {
    const { port, driver } = this.#options;
    const refused = (detail: string): TransmitResult => ({ outcome: 'refused', detail });
    if (!port.transmit)
      return refused(`transmission is off: the port ${port.name} does not say transmit = true`);
    if (driver.encode === undefined) return refused(`the driver ${driver.name} cannot send`);
    if (this.#expected.bases?.includes(command.base) === false) {
      return refused(`base station ${command.base} is not on the port ${port.name}`);
    }
    const transmitter = this.#session?.transmitter;
    if (transmitter === undefined) return { outcome: 'failed', detail: `the port ${port.name} is not open` };
    return await transmitter.run(command);
  }

  heard(session: Session): void {
    if (this.#session === session) this.#settle(session);
    this.#options.onChange();
  }

  noise({ candidate }: Session, { kind, bad, all }: NoiseVerdict): void {
    const last = kind === 'noisy' ? 'minutes' : 'minute';
    this.#complaints.say(
      `port-${kind}`,
      `${bad} of ${all} bytes of the last ${last} on ${candidate.path} were no valid frames`,
    );
  }

  ended(session: Session, reason: string): void {
    const { claims, clock, log, onChange } = this.#options;
    claims.release(session.candidate.device, this);
    session.abandon();
    if (this.#session !== session) return;
    this.#session = undefined;
    clearTimeout(this.#listenTimer);
    this.#past = addCounts(this.#past, session.receiver.counts);
    if (!this.#isStopped && session.refused === undefined && session.isRecognised)
      this.#complaints.lost(reason);
    log.info('port-closed', { port: this.name, path: session.candidate.path, reason });
    onChange();
    // One that opens and ends at once is tried more and more slowly, as if it did not open.
    if (clock.monotonic() - this.#beganAt >= settledMilliseconds) this.#failures = 0;
    this.#reopenLater();
    this.#onStopped?.();
  }

  /** Opens the next device that may be this port's. */
  async #attempt(): Promise<void> {
    const { claims, opener, driver, port, clock } = this.#options;
    const candidates = await this.#finder.candidates();
    let failure: string | undefined;
    for (const candidate of candidates.filter((each) => this.#mayOpen(each))) {
      if (this.#isStopped || this.#session !== undefined) return;
      // It may have become another's while this one was being opened.
      if (!claims.claim(candidate.device, this)) continue;
      try {
        const decoder = driver.open(port.options);
        this.#begin(await Session.open({ candidate, opener, decoder, clock, owner: this }));
        return;
      } catch (error) {
        claims.release(candidate.device, this);
        failure = (error as Error).message;
        this.#wanted = candidate;
        this.#options.onSuspicion();
      }
    }
    // A twin may have passed one on meanwhile.
    if (this.#session !== undefined) return;
    if (failure !== undefined) this.#complaints.unavailable(failure);
    else if (candidates.length > 0 && candidates.every(({ device }) => !claims.isFreeFor(device, this))) {
      this.#complaints.unavailable(`what is at ${port.path} another port has already`);
    } else if (candidates.length === 0) {
      this.#wanted = undefined;
      this.#complaints.absent(`nothing is at ${port.path}`);
    }
  }

  #mayOpen(candidate: Candidate): boolean {
    return this.#options.claims.isFreeFor(candidate.device, this) && !this.#finder.isRefused(candidate);
  }

  #begin(session: Session): void {
    if (session.hasEnded) return;
    // A twin may have passed one on meanwhile.
    if (this.#session !== undefined) {
      session.close('the port has another device');
      return;
    }
    this.#wanted = undefined;
    this.#session = session;
    if (this.#isStopped) return;
    this.#beganAt = this.#options.clock.monotonic();
    this.#options.onSuspicion();
    if (expectsAny(this.#expected)) this.#recognised(session);
    else {
      this.#complaints.found();
      this.#listen(session);
    }
    this.#options.onChange();
  }

  #recognised(session: Session): void {
    const { port, driver, clock, timing } = this.#options;
    session.isRecognised = true;
    clearTimeout(this.#listenTimer);
    if (port.transmit && driver.encode !== undefined) {
      session.transmitter = new Transmitter({
        opening: session.opening,
        encode: driver.encode,
        clock,
        answerMilliseconds: timing.answer,
      });
    }
    const { path } = session.candidate;
    this.#complaints.opened(path === port.path ? path : `${path} (${port.path})`);
    if (driver.transport.kind === 'serial') this.#finder.recognised(session.candidate);
  }

  /** Waits for the device to say who it is; if it does not, and there are others, those are tried in turn. */
  #listen(session: Session): void {
    const { timing } = this.#options;
    clearTimeout(this.#listenTimer);
    this.#listenTimer = setTimeout(() => void this.#tryAnother(session), timing.listen);
  }

  async #tryAnother(session: Session): Promise<void> {
    const others = (await this.#finder.candidates()).filter(
      (each) => each.device !== session.candidate.device && this.#mayOpen(each),
    );
    if (this.#session !== session || session.isRecognised || this.#isStopped) return;
    if (others.length === 0) this.#listen(session);
    else
      this.#refuse(
        session,
        `nothing that is expected was heard on ${session.candidate.path}`,
        this.#options.timing.listen,
      );
  }

  #settle(session: Session): void {
    const wasRecognised = session.isRecognised;
    const finding = session.settle(this.#expected);
    switch (finding.kind) {
      case 'own': {
        if (!wasRecognised) this.#recognised(session);
        for (const { content } of finding.frames) {
          if (content.kind === 'other') session.transmitter?.heard(content);
        }
        this.#options.onHeard(finding.frames.map(({ at, content }) => ({ port: this.name, at, content })));
        break;
      }
      case 'foreign': {
        if (this.#passOn(session)) return;
        const { base } = finding.frame.content;
        const who = base === 0 ? 'what sends no base address' : `base station ${base}`;
        const detail = `${session.candidate.path} is ${who}; expected is ${saidOf(this.#expected)}`;
        this.#complaints.wrongDevice(detail);
        this.#refuse(session, detail, this.#options.timing.refused);
        break;
      }
      case 'undecided':
        if (!session.isRecognised) this.#passOn(session);
        break;
    }
  }

  #refuse(session: Session, why: string, milliseconds: number): void {
    if (session.refused !== undefined) return;
    session.refused = why;
    this.#finder.refuse(session.candidate, milliseconds);
    session.close(why);
  }

  /** Gives a session to the twin that its frames are for, and takes the twin's in exchange if it has one. */
  #passOn(session: Session): boolean {
    if (session.refused !== undefined) return false;
    const { twins, claims } = this.#options;
    const twin = twins().find((each) => each.#wants(session));
    if (twin === undefined) return false;
    // What was its own until now stays in this port's account.
    if (session.isRecognised) this.#past = addCounts(this.#past, session.receiver.startAnew());
    session.isRecognised = false;
    session.transmitter?.end('the device is another port’s');
    session.transmitter = undefined;
    const spare = twin.#session;
    this.#session = undefined;
    clearTimeout(this.#listenTimer);
    claims.pass(session.candidate.device, twin);
    if (spare !== undefined) claims.pass(spare.candidate.device, this);
    twin.#adopt(session);
    if (spare === undefined) this.#reopenLater();
    else this.#adopt(spare);
    return true;
  }

  #wants(session: Session): boolean {
    if (this.#isStopped || this.#session?.isRecognised === true || this.#session?.refused !== undefined)
      return false;
    return session.firstVerdict(this.#expected) === 'expected';
  }

  #adopt(session: Session): void {
    session.owner = this;
    this.#session = session;
    this.#wanted = undefined;
    clearTimeout(this.#reopenTimer);
    this.#listen(session);
    this.#settle(session);
  }

  #reopenLater(): void {
    if (this.#isStopped || this.#session !== undefined) return;
    clearTimeout(this.#reopenTimer);
    const wait = Math.min(reopen.longest, reopen.first * 2 ** this.#failures);
    this.#failures++;
    this.#reopenTimer = setTimeout(() => this.open(), wait);
  }
}
