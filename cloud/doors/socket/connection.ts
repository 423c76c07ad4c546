import type { Socket } from 'node:net';
import { type Code, limits, type SocketTransport } from '@loadline/sdk/contract';
import { type SocketReply, writeReply } from '@loadline/sdk/socket';
import type { StopCause } from '../../accounting/index.ts';
import { limitedDetail, type Meter } from '../../limits/index.ts';
import { LineBuffer } from './line-buffer.ts';
import type { Room, Waiting } from './room.ts';
import { errorReply, type Known, type KnownLine, type LineTaker } from './taker.ts';

/** Milliseconds a last word is given to leave before the connection is closed. */
const lastWordMilliseconds = 500;

export interface ConnectionParts {
  readonly socket: Socket;
  readonly transport: Extract<SocketTransport, 'tcp' | 'tls'>;
  readonly taker: LineTaker;
  readonly room: Room;
  /** Milliseconds, monotonic. */
  readonly monotonic: () => number;
  /** Told once of the device it delivers for. */
  readonly onKnown: (connection: SocketConnection) => void;
}

/** A line that has come and is not answered yet. */
interface Pending {
  readonly since: number;
  reply: string | undefined;
}

/**
 * One connection, TCP or TLS: lines in, and for each a line back, in their order. What it costs is bounded: nothing more is
 * read while as many lines as may wait for their commit, while replies are not taken, and while the door is full.
 */
export class SocketConnection implements Waiting {
  readonly #parts: ConnectionParts;
  readonly #source: string;
  readonly #lines = new LineBuffer();
  readonly #pending: Pending[] = [];
  readonly #began: number;
  #known: Known | undefined;
  /** Of the session that began with its first good line, and why that ends. */
  #meter: Meter | undefined;
  #cause: StopCause = 'client-closed';
  /** Lines that were refused, one after the other. */
  #failures = 0;
  /** When the last line came, the line that is coming began, and replies stopped being taken. */
  #lastLine: number;
  #lineBegan: number | undefined;
  #untakenSince: number | undefined;
  #isPumping = false;
  /** Nothing more is read; once all is answered it ends, with `#lastWord`. */
  #isEnding = false;
  #lastWord: string | undefined;
  #endedAt: number | undefined;
  /** The other end has said all it will. */
  #isHalfClosed = false;

  constructor(parts: ConnectionParts) {
    const { socket, monotonic } = parts;
    this.#parts = parts;
    this.#source = socket.remoteAddress ?? '';
    this.#began = monotonic();
    this.#lastLine = this.#began;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#arrived(chunk));
    socket.on('drain', () => this.#drained());
    socket.on('end', () => {
      this.#isHalfClosed = true;
      this.proceed();
    });
    socket.on('error', () => {
      this.#cause = 'lost-carrier';
      socket.destroy();
    });
    socket.once('close', () => {
      this.#isEnding = true;
      parts.room.forget(this);
      this.#meter?.end(this.#cause);
    });
  }

  /** The device it delivers for; undefined until it has brought a good line. */
  get device(): string | undefined {
    return this.#known?.held.device.id;
  }

  /** Whether something it sent is not answered yet. */
  get isSettling(): boolean {
    return this.#pending.length > 0 && !this.#parts.socket.destroyed;
  }

  /** Ends it: nothing more is read; what waits for its commit is answered first, and then `code` said. */
  end(code: Code, reason: string): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#cause = causeOf(code);
    this.#lastWord = writeReply(errorReply(code, reason));
    this.#flush();
  }

  /** Ends it at once: what is not answered is not acknowledged. */
  cut(code: Code, reason: string): void {
    this.#isEnding = true;
    this.#cause = causeOf(code);
    this.#pending.length = 0;
    this.#lastWord = writeReply(errorReply(code, reason));
    this.#flush();
  }

  /** To be called about once a second: ends what is too slow, idle, or not known any more. */
  tick(): void {
    const { socket, taker, transport, monotonic } = this.#parts;
    const now = monotonic();
    const isOver = (since: number | undefined, milliseconds: number) =>
      since !== undefined && now - since > milliseconds;
    if (
      isOver(this.#endedAt, lastWordMilliseconds) ||
      isOver(this.#untakenSince, limits.socketLineMilliseconds)
    ) {
      socket.destroy();
    } else if (isOver(this.#pending[0]?.since, limits.commitMilliseconds)) {
      this.cut('commit-timeout', 'the cloud could not commit in time: connect again and resend');
    } else if (this.#isEnding) {
      return;
    } else if (this.#known !== undefined && !taker.isKnownStill(this.#known, transport)) {
      this.end('credential-ended', 'what this connection was known by opens nothing any more');
    } else if (this.#known === undefined && isOver(this.#began, limits.socketLineMilliseconds)) {
      this.end('too-slow', `no good line within ${limits.socketLineMilliseconds / 1000} s`);
    } else if (isOver(this.#lineBegan, limits.socketLineMilliseconds) && this.#isReading()) {
      this.end('too-slow', `a line takes ${limits.socketLineMilliseconds / 1000} s at most`);
    } else if (isOver(this.#lastLine, limits.socketIdleMilliseconds) && this.#pending.length === 0) {
      this.end('connection-idle', `no line for ${limits.socketIdleMilliseconds / 60_000} minutes`);
    }
  }

  /** Takes as many lines as may be. */
  proceed(): void {
    const { room } = this.#parts;
    if (this.#isPumping) return;
    this.#isPumping = true;
    while (!this.#isEnding && !this.#isHeld()) {
      if (room.isFull) {
        room.wait(this);
        break;
      }
      const line = this.#lines.next();
      if (line === undefined) break;
      if (line === 'too-long') {
        this.end('line-too-long', `a line has ${limits.socketLineBytes} bytes at most`);
        break;
      }
      this.#take(line);
    }
    this.#isPumping = false;
    this.#lineBegan = this.#lines.isEmpty ? undefined : (this.#lineBegan ?? this.#lastLine);
    this.#finishHalfClosed();
    this.#flush();
    this.#steer();
  }

  #arrived(chunk: Buffer): void {
    if (this.#isEnding) return;
    this.#lineBegan ??= this.#parts.monotonic();
    this.#lines.add(chunk);
    this.proceed();
  }

  #take(line: Uint8Array): void {
    const { taker, room, transport, monotonic } = this.#parts;
    const now = monotonic();
    this.#lastLine = now;
    this.#lineBegan = undefined;
    const pending: Pending = { since: now, reply: undefined };
    this.#pending.push(pending);
    const taken = taker.take(line, { transport, source: this.#source });
    if (taken.kind === 'unknown') {
      pending.reply = writeReply(taken.reply);
      this.#failures += 1;
      if (this.#failures >= limits.socketFailures) this.#isEnding = true;
      return;
    }
    const refusal = this.#refusal(taken);
    if (refusal !== undefined) {
      pending.reply = writeReply(refusal, taken.to);
      this.#cause = 'refused';
      this.#isEnding = true;
      return;
    }
    this.#failures = 0;
    room.enter();
    taken.deliver(this.#meter, (reply) => {
      room.leave();
      pending.reply = writeReply(reply, taken.to);
      this.#flush();
      if (!this.#isEnding) this.proceed();
    });
  }

  /** Why a line of somebody who is known cannot be taken on this connection. */
  #refusal(line: KnownLine): SocketReply | undefined {
    const { held, form } = line;
    const before = this.#known;
    if (before !== undefined && before.held.device !== held.device) {
      return errorReply('device-differs', 'one connection delivers for one device');
    }
    // What it is known by now is what it is asked for later: a new token may take the place of the old one.
    this.#known = { held, form };
    if (before !== undefined) return undefined;
    const meter = line.begin((limited) => this.end(limited.code, limitedDetail(limited)));
    if (meter !== undefined && 'kind' in meter) return { kind: 'limited', seconds: meter.retryAfterSeconds };
    this.#meter = meter;
    this.#parts.onKnown(this);
    return undefined;
  }

  /** Says what is settled, in the order of the lines, and ends where nothing is left to say. */
  #flush(): void {
    const { socket } = this.#parts;
    if (this.#isPumping || this.#endedAt !== undefined || socket.destroyed) return;
    let words = '';
    for (let next = this.#pending[0]; next?.reply !== undefined; next = this.#pending[0]) {
      words += `${next.reply}\n`;
      this.#pending.shift();
    }
    if (words !== '') {
      socket.write(words, 'latin1');
      this.#meter?.account.sent(words.length);
    }
    if (socket.writableNeedDrain) this.#untakenSince ??= this.#parts.monotonic();
    if (!this.#isEnding || this.#pending.length > 0) return;
    this.#endedAt = this.#parts.monotonic();
    this.#lines.clear();
    socket.end(this.#lastWord === undefined ? '' : `${this.#lastWord}\n`, 'latin1');
    // What it still sends is read and forgotten: a socket closed over unread bytes takes back what it sent.
    socket.resume();
  }

  /** The other end will say no more: what is a whole line was taken, and what is a part of one never is. */
  #finishHalfClosed(): void {
    if (!this.#isHalfClosed || !this.#isReading()) return;
    this.#isEnding = true;
    if (!this.#lines.isEmpty)
      this.#lastWord = writeReply(errorReply('line-malformed', 'a line ends with LF'));
  }

  #isReading(): boolean {
    return !this.#isEnding && !this.#isHeld() && !this.#parts.room.isFull;
  }

  #isHeld(): boolean {
    return this.#pending.length >= limits.socketPendingLines || this.#untakenSince !== undefined;
  }

  #drained(): void {
    this.#untakenSince = undefined;
    this.proceed();
  }

  /** Reads on, or not. */
  #steer(): void {
    const { socket } = this.#parts;
    if (this.#endedAt !== undefined || socket.destroyed) return;
    if (!this.#isReading()) socket.pause();
    else if (socket.isPaused()) socket.resume();
  }
}

/** Why a session stopped, by what its connection was ended with. */
function causeOf(code: Code): StopCause {
  switch (code) {
    case 'cloud-stopping':
      return 'drained';
    case 'credential-ended':
      return 'revoked';
    case 'quota-exceeded':
      return 'quota';
    case 'connection-idle':
      return 'lost-carrier';
    case 'too-many-connections':
      return 'taken-over';
    case 'commit-timeout':
      return 'cloud-failed';
    default:
      return 'refused';
  }
}
