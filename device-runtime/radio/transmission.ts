import type { Driver, OtherFrame } from '@loadline/sdk/driver';
import { decodePacket, encodePacket, type PowerAction, powerPacket } from '@loadline/sdk/t24';
import type { Clock } from '../clock/index.ts';
import type { Opening } from './opening.ts';

/** A T24 transmission. EXPERIMENTAL: nobody known has seen a module answer one. */
export interface Transmit {
  /** Base station to send it, 1..16. */
  readonly base: number;
  /** The module's id, 24 bits; never FFFFFF, which is every module. */
  readonly to: number;
  readonly action: PowerAction;
  /** Monotonic milliseconds after which nothing is sent any more. */
  readonly expires: number;
}

/** What became of it; `detail` is for people. The outcomes are those of `resultMessage` in sdk/contract. */
export interface TransmitResult {
  readonly outcome: 'done' | 'refused' | 'failed' | 'expired';
  readonly detail: string;
}

interface Wait {
  readonly base: number;
  readonly to: number;
  answer(result: TransmitResult): void;
}

/** Commands that may wait for those before them. */
const maxQueued = 8;
/** Milliseconds that a port may take to send one, however late the command expires. */
const sendMilliseconds = 30_000;

/**
 * Sends commands over one opening of a port, one at a time, and waits for each answer. It ends with its opening: a
 * command that was waiting then is never sent, because nobody knows by when the port is back, and who is there then.
 */
export class Transmitter {
  readonly #opening: Opening;
  readonly #encode: NonNullable<Driver['encode']>;
  readonly #clock: Clock;
  readonly #answerMilliseconds: number;
  #queued = 0;
  #last: Promise<unknown> = Promise.resolve();
  #waiting: Wait | undefined;
  #ended: string | undefined;

  /** @param options.answerMilliseconds how long a module may take to answer */
  constructor(options: {
    opening: Opening;
    encode: NonNullable<Driver['encode']>;
    clock: Clock;
    answerMilliseconds: number;
  }) {
    this.#opening = options.opening;
    this.#encode = options.encode;
    this.#clock = options.clock;
    this.#answerMilliseconds = options.answerMilliseconds;
  }

  run(command: Transmit): Promise<TransmitResult> {
    if (this.#queued >= maxQueued) {
      return Promise.resolve({ outcome: 'refused', detail: `${maxQueued} commands are waiting already` });
    }
    let bytes: Uint8Array;
    try {
      bytes = this.#encode(command.base, encodePacket(powerPacket(command.action, command.to)));
    } catch (error) {
      return Promise.resolve({ outcome: 'refused', detail: (error as Error).message });
    }
    this.#queued++;
    const result = this.#last.then(() => this.#exchange(command, bytes));
    this.#last = result.finally(() => {
      this.#queued--;
    });
    return result;
  }

  /** A frame that is no measurement has come. */
  heard({ base, packet }: OtherFrame): void {
    const waiting = this.#waiting;
    if (waiting === undefined || base !== waiting.base) return;
    const answer = decodePacket(packet);
    switch (answer.kind) {
      case 'ack':
        if (answer.from === waiting.to)
          waiting.answer({ outcome: 'done', detail: 'the module acknowledged it' });
        break;
      case 'nak':
        if (answer.from === waiting.to)
          waiting.answer({ outcome: 'failed', detail: 'the module refused it (NAK)' });
        break;
      case 'timeout':
        if (answer.from === waiting.to) {
          waiting.answer({
            outcome: 'failed',
            detail: 'the base station had no answer of the module (timeout)',
          });
        }
        break;
      case 'dataInvalid':
        if (answer.from === waiting.to) {
          waiting.answer({ outcome: 'failed', detail: 'the module found its data invalid' });
        }
        break;
      default:
    }
  }

  /** The opening is at its end: whoever waits for an answer gets none. */
  end(reason: string): void {
    this.#ended = reason;
    this.#waiting?.answer({
      outcome: 'failed',
      detail: `the port was closed before an answer came: ${reason}`.slice(0, 300),
    });
  }

  async #exchange({ base, to, expires }: Transmit, bytes: Uint8Array): Promise<TransmitResult> {
    const left = expires - this.#clock.monotonic();
    if (this.#ended !== undefined) {
      return { outcome: 'failed', detail: 'the port was closed before it could be sent' };
    }
    if (left <= 0) return { outcome: 'expired', detail: 'it expired before it could be sent' };
    const answered = Promise.withResolvers<TransmitResult>();
    this.#waiting = { base, to, answer: answered.resolve };
    try {
      const sent = await Promise.race([
        this.#opening.send(bytes).then(() => 'sent' as const),
        answered.promise,
        after(Math.min(left, sendMilliseconds)),
      ]);
      if (sent === 'late') {
        // Bytes that are still queued would leave by and by: only closing stops them.
        this.#opening.close('a command could not be sent in time');
        return { outcome: 'expired', detail: 'the port did not take it in time' };
      }
      if (sent !== 'sent') return sent;
      const answer = await Promise.race([answered.promise, after(this.#answerMilliseconds)]);
      if (answer !== 'late') return answer;
      return { outcome: 'failed', detail: `no answer within ${this.#answerMilliseconds} ms` };
    } catch (error) {
      return { outcome: 'failed', detail: `it could not be sent: ${(error as Error).message}`.slice(0, 300) };
    } finally {
      this.#waiting = undefined;
    }
  }
}

/** Does not keep the process alive by itself. */
function after(milliseconds: number): Promise<'late'> {
  return new Promise((resolve) => setTimeout(() => resolve('late'), milliseconds).unref());
}
