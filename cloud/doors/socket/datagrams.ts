import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { limits } from '@loadline/sdk/contract';
import type { Log } from '@loadline/sdk/platform';
import { writeReply } from '@loadline/sdk/socket';
import { lineOf } from './line-buffer.ts';
import type { Room } from './room.ts';
import type { LineTaker } from './taker.ts';

/** Bytes of datagrams that the system keeps for us: a device that says something at the full hour is one of many. */
const receiveBytes = 1024 * 1024;

/** Milliseconds between two looks at whether all that came is answered. */
const settlingMilliseconds = 10;

export interface DatagramParts {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly taker: LineTaker;
  readonly room: Room;
  readonly log: Log;
}

/**
 * Lines by UDP, one a datagram. Who sends nothing good gets no answer at all, and an answer is never longer than what it
 * is to: the address that a datagram claims may be that of somebody else. What there is no room for is dropped without a
 * word, as the network might have done; its device sends it again.
 */
export class Datagrams {
  readonly #parts: DatagramParts;
  readonly #socket: Socket;
  /** Lines of each device that wait for their commit. */
  readonly #pending = new Map<string, number>();
  #isClosing = false;

  private constructor(parts: DatagramParts, socket: Socket) {
    this.#parts = parts;
    this.#socket = socket;
    socket.on('message', (datagram, from) => this.#take(datagram, from));
    socket.on('error', (error) => parts.log.error('socket-udp-failed', { reason: error.message }));
  }

  static async open(parts: DatagramParts): Promise<Datagrams> {
    const { host, port } = parts;
    const socket = createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4', recvBufferSize: receiveBytes });
    try {
      const bound = once(socket, 'listening');
      socket.bind(port, host);
      await bound;
    } catch (error) {
      socket.close();
      throw error;
    }
    return new Datagrams(parts, socket);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** Takes no more, and waits so many milliseconds at most until what was taken is answered. */
  async close(milliseconds: number): Promise<void> {
    this.#isClosing = true;
    for (let left = milliseconds; this.#pending.size > 0 && left > 0; left -= settlingMilliseconds) {
      await delay(settlingMilliseconds);
    }
    const closed = once(this.#socket, 'close');
    this.#socket.close();
    await closed;
  }

  #take(datagram: Buffer, { address, port }: RemoteInfo): void {
    const { taker, room } = this.#parts;
    if (this.#isClosing || room.isFull) return;
    const line = lineOf(datagram);
    if (line === undefined) return;
    const taken = taker.take(line, { transport: 'udp', source: address });
    if (taken.kind === 'unknown') return;
    const { id } = taken.held.device;
    const pending = this.#pending.get(id) ?? 0;
    if (pending >= limits.socketPendingLines) return;
    this.#pending.set(id, pending + 1);
    room.enter();
    const most = datagram.length - 1;
    taken.deliver(undefined, (reply, meter) => {
      room.leave();
      this.#left(id);
      const words = writeReply(reply, taken.to, most);
      if (words === undefined) return;
      meter?.account.sent(words.length + 1);
      // One that cannot be sent is lost, as datagrams are: the device asks again.
      this.#socket.send(`${words}\n`, port, address, () => {});
    });
  }

  #left(device: string): void {
    const left = (this.#pending.get(device) ?? 1) - 1;
    if (left > 0) this.#pending.set(device, left);
    else this.#pending.delete(device);
  }
}
