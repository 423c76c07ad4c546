import { once } from 'node:events';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { limits } from '../../contract/index.ts';
import { readReply, type SocketReply } from '../../socket/index.ts';
import type { Rejected } from './events.ts';
import { nameOf, openTcp, openTls, type Place, whyNot } from './place.ts';
import { type Line, type LineProof, linesOf } from './socket-lines.ts';
import { type Delivery, endedBy, failed, isLimit, type Outcome, type Transport } from './transport.ts';

/** Milliseconds that a reply may take: a commit, and its way there and back. */
const replyMilliseconds = limits.commitMilliseconds + 5000;
/** Lines that are under way at a time. */
const window = limits.socketPendingLines / 2;

/** Codes after which the same line may be taken the next time. */
const again: ReadonlySet<string> = new Set([
  'internal',
  'commit-timeout',
  'cloud-stopping',
  'cloud-fenced',
  'too-much-pending',
]);

/** What the lines of the delivery at work have been answered: those are not sent again. */
interface Progress {
  readonly key: string;
  readonly lines: readonly Line[];
  readonly answered: Map<string, SocketReply>;
}

/**
 * Lines over TCP or TLS (sdk/socket), several under way. With a socket key they are signed, and so must be the replies. The
 * connection is made when there is something to deliver.
 */
export class SocketTransport implements Transport {
  readonly #place: Place;
  readonly #proof: LineProof;
  #socket: Socket | undefined;
  #progress: Progress | undefined;

  constructor(place: Place, proof: LineProof) {
    this.#place = place;
    this.#proof = proof;
  }

  async deliver(delivery: Delivery, signal: AbortSignal): Promise<Outcome> {
    if (this.#progress?.key !== delivery.key) {
      this.#progress = { key: delivery.key, lines: linesOf(delivery, this.#proof), answered: new Map() };
    }
    try {
      const stopped = await this.#converse(this.#progress, await this.#standing(signal), signal);
      return stopped ?? settled(this.#progress);
    } catch (error) {
      return failed((error as Error).message);
    }
  }

  async close(): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined || socket.destroyed) return;
    const closed = once(socket, 'close');
    socket.destroy();
    await closed;
  }

  /** The connection, made where there is none. */
  async #standing(signal: AbortSignal): Promise<Socket> {
    if (this.#socket !== undefined && !this.#socket.destroyed && this.#socket.writable) return this.#socket;
    this.#socket?.destroy();
    const socket =
      this.#place.scheme === 'tls'
        ? await openTls(this.#place, undefined, signal)
        : await openTcp(this.#place, signal);
    // Between deliveries it may break, and be found broken at the next.
    socket.on('error', () => {});
    this.#socket = socket;
    return socket;
  }

  /** Sends what is not answered yet until all of it is; or resolves with what stands against it. */
  #converse(
    { lines, answered }: Progress,
    socket: Socket,
    signal: AbortSignal,
  ): Promise<Outcome | undefined> {
    const unsent = lines.filter(({ id }) => !answered.has(id));
    const underWay = new Set<string>();
    const { promise, resolve } = Promise.withResolvers<Outcome | undefined>();
    const replies = createInterface({ input: socket });
    let stop: Outcome | undefined;
    let patience: NodeJS.Timeout | undefined;
    const give = (outcome: Outcome) => {
      stop ??= outcome;
      // What is still to come on this connection would be taken for the answer to something else.
      socket.destroy();
      resolve(stop);
    };
    const wait = () => {
      clearTimeout(patience);
      patience = setTimeout(
        () => give(failed(`${nameOf(this.#place)} has not answered a line`)),
        replyMilliseconds,
      );
    };
    const send = () => {
      while (stop === undefined && underWay.size < window) {
        const line = unsent.shift();
        if (line === undefined) break;
        underWay.add(line.id);
        socket.write(`${line.text}\n`);
      }
      if (underWay.size === 0) resolve(stop);
      else wait();
    };
    const heard = (said: string) => {
      const read = readReply(said, this.#proof.kind === 'signed' ? this.#proof.key.secret : undefined);
      if (read?.id === undefined || !underWay.delete(read.id)) {
        give(this.#lastWord(said));
        return;
      }
      const { reply } = read;
      stop ??= standsAgainst(reply);
      if (standsAgainst(reply) === undefined) answered.set(read.id, reply);
      send();
    };
    const gone = () => give(failed(`${nameOf(this.#place)} closed the connection`));
    const broken = (error: Error) => give(failed(whyNot(error, this.#place)));
    const abort = () => give(failed('given up by this end'));
    replies.on('line', heard);
    replies.on('error', () => {});
    socket.on('error', broken);
    socket.on('close', gone);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    else if (socket.destroyed) gone();
    else send();
    return promise.finally(() => {
      clearTimeout(patience);
      signal.removeEventListener('abort', abort);
      socket.off('error', broken);
      socket.off('close', gone);
      replies.close();
      // The interface pauses it, and its end would not be noticed.
      if (!socket.destroyed) socket.resume();
    });
  }

  /**
   * What was said to no line in particular: why the connection ends. Of a signed conversation nobody knows who said it, so
   * nothing is taken as stored or rejected for it.
   */
  #lastWord(said: string): Outcome {
    const reply = readReply(said)?.reply;
    if (reply?.kind === 'error') return endedBy(reply.code, reply.reason);
    if (reply?.kind === 'limited') return limited(reply.seconds);
    return failed(`${nameOf(this.#place)} answers what is no reply to a line, or not signed as one`);
  }
}

/** Whether a reply says to try again later; undefined where its line is done with. */
function standsAgainst(reply: SocketReply): Outcome | undefined {
  if (reply.kind === 'limited') return limited(reply.seconds);
  if (reply.kind !== 'error') return undefined;
  const outcome = endedBy(reply.code, reply.reason);
  return outcome.kind === 'refused' || isLimit(reply.code) || again.has(reply.code) ? outcome : undefined;
}

function limited(seconds: number): Outcome {
  return { kind: 'limited', code: 'rate-limited', detail: `the cloud says to wait ${seconds} s`, seconds };
}

function settled({ lines, answered }: Progress): Outcome {
  let stored = 0;
  let duplicate = 0;
  const rejected: Rejected[] = [];
  for (const { id, readings } of lines) {
    const reply = answered.get(id);
    if (reply?.kind === 'stored') stored += readings;
    else if (reply?.kind === 'error') {
      rejected.push({ kind: 'rejected', readings, code: reply.code, detail: reply.reason });
    } else duplicate += readings;
  }
  return { kind: 'settled', stored, duplicate, rejected };
}
