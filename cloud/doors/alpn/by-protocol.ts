import type { Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Log } from '@loadline/sdk/platform';
import { HelloReader } from './client-hello.ts';

export interface ByProtocolOptions {
  /**
   * Who takes a connection that offers these protocols by ALPN (none where it offers nothing): nothing of it has been
   * read, as far as that one can see. Undefined: the HTTPS server itself.
   */
  readonly takerOf: (protocols: readonly string[]) => ((socket: Socket) => void) | undefined;
  /** Milliseconds that a ClientHello may take. */
  readonly milliseconds: number;
  readonly log: Log;
}

/**
 * Lets other TLS servers share an HTTPS server's port: looks at what each connection asks for before any of them
 * does. Several servers, because whether a client certificate is asked for belongs to a server, not to a protocol,
 * and no browser may ever be asked. The HTTPS server is the one that listens, since without that Node's limits on
 * the time of headers and requests are not at work.
 *
 * @returns closes the connections that have not said yet what they want
 */
export function shareByProtocol(server: HttpsServer, options: ByProtocolOptions): () => void {
  const { takerOf, milliseconds, log } = options;
  const own = server.listeners('connection') as ((this: HttpsServer, socket: Socket) => void)[];
  const waiting = new Set<Socket>();
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    const hello = new HelloReader();
    waiting.add(socket);
    const leave = () => {
      clearTimeout(timer);
      waiting.delete(socket);
      for (const [event, listener] of listeners) socket.off(event, listener);
    };
    const refuse = (reason: string) => {
      leave();
      log.info('tls-hello-refused', { from: socket.remoteAddress, reason });
      socket.destroy();
    };
    const timer = setTimeout(() => refuse(`none within ${milliseconds} ms`), milliseconds);
    const read = (chunk: Buffer) => {
      const said = hello.push(chunk);
      switch (said.kind) {
        case 'incomplete':
          return;
        case 'refused':
          refuse(said.reason);
          return;
        case 'whole': {
          leave();
          socket.pause();
          // The server that gets it takes what it finds here before it reads on.
          socket.unshift(hello.bytes);
          const take = takerOf(said.protocols);
          if (take !== undefined) take(socket);
          else for (const listener of own) listener.call(server, socket);
        }
      }
    };
    const gone = () => {
      leave();
      socket.destroy();
    };
    const listeners = [
      ['data', read],
      ['end', gone],
      ['error', gone],
      ['close', gone],
    ] as const;
    for (const [event, listener] of listeners) socket.on(event, listener);
  });
  return () => {
    for (const socket of waiting) socket.destroy();
  };
}
