import type { Socket } from 'node:net';
import { limits } from '@loadline/sdk/contract';
import { sourceOf } from '../../guard/index.ts';

/** The other end of a connection: the same for a TCP socket and the TLS upon it. */
type Peer = Pick<Socket, 'remoteAddress' | 'remotePort' | 'localPort'>;

/** How many connections there are, and how many of each place have proven nothing yet. */
export class Admissions {
  readonly #sockets = new Set<Socket>();
  /** The place of each connection that has proven nothing yet, and how many there are of each. */
  readonly #places = new Map<string, string>();
  readonly #unproven = new Map<string, number>();

  /** Every connection, those in their handshake included. */
  get sockets(): ReadonlySet<Socket> {
    return this.#sockets;
  }

  /** Takes a connection in until it closes; false where there are too many. */
  admit(socket: Socket): boolean {
    const name = nameOf(socket);
    const { place } = sourceOf(socket.remoteAddress ?? '');
    const ofPlace = this.#unproven.get(place) ?? 0;
    if (this.#sockets.size >= limits.socketConnections || ofPlace >= limits.socketUnprovenPerAddress) {
      return false;
    }
    this.#sockets.add(socket);
    this.#places.set(name, place);
    this.#unproven.set(place, ofPlace + 1);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      this.#forget(name);
    });
    return true;
  }

  /** It has brought a good line: it counts no longer against its address. */
  proven(peer: Peer): void {
    this.#forget(nameOf(peer));
  }

  #forget(name: string): void {
    const place = this.#places.get(name);
    if (place === undefined) return;
    this.#places.delete(name);
    const left = (this.#unproven.get(place) ?? 1) - 1;
    if (left > 0) this.#unproven.set(place, left);
    else this.#unproven.delete(place);
  }
}

/** Its own port is part of it: behind one address and port there may be a connection to each of ours. */
function nameOf({ remoteAddress, remotePort, localPort }: Peer): string {
  return `${remoteAddress} ${remotePort} ${localPort}`;
}
