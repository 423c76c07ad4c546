import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, BlockList, isIP } from 'node:net';
import type { Log } from '@loadline/sdk/platform';
import type { Metrics } from './metrics.ts';
import type { Readiness } from './readiness.ts';

export interface ListenerOptions {
  /** An address of this machine alone, unless `toAnybody`. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Lets others than this machine ask: whoever reaches the port then reads how much goes on here. */
  readonly toAnybody: boolean;
  readonly metrics: Metrics;
  readonly readiness: Readiness;
  readonly log: Log;
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Connections at a time: those who look after a machine are few. */
const mostConnections = 50;
const requestMilliseconds = 5000;

/**
 * For those who look after the machine, on a port of its own, without TLS and without a login: metrics, and whether it is
 * ready in detail. Nothing there names a person, a device or an organisation.
 */
export class OperationsListener {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @throws Error where the address is not this machine's alone, and nobody said that it may be another */
  static async open(options: ListenerOptions): Promise<OperationsListener> {
    const { host, port, toAnybody, log } = options;
    if (!toAnybody && !isLoopback(host)) {
      throw new Error(
        `the metrics would be read by whoever reaches ${host}: listen on 127.0.0.1, or say --metrics-open`,
      );
    }
    const server = createServer(
      { requestTimeout: requestMilliseconds, headersTimeout: requestMilliseconds, keepAliveTimeout: 60_000 },
      (request, response) => {
        answer(request, response, options).catch((error: Error) => {
          log.error('operations-failed', { reason: error.message });
          response.destroy();
        });
      },
    );
    server.maxConnections = mostConnections;
    server.listen(port, host);
    await once(server, 'listening');
    return new OperationsListener(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { metrics, readiness, toAnybody }: ListenerOptions,
): Promise<void> {
  const send = (status: number, type: string, body: string) => {
    const length = Buffer.byteLength(body);
    const headers = { 'content-type': type, 'content-length': length, 'cache-control': 'no-store' };
    response.writeHead(status, headers).end(request.method === 'HEAD' ? undefined : body);
  };
  const text = 'text/plain; charset=utf-8';
  // A page in a browser on this machine may be made to ask under a name of its own.
  if (!toAnybody && !isOurName(request.headers.host)) return send(421, text, 'ask by a loopback address\n');
  if (request.method !== 'GET' && request.method !== 'HEAD') return send(405, text, 'GET\n');
  switch (request.url) {
    case '/metrics':
      return send(200, metrics.contentType, await metrics.text());
    case '/healthz':
      return send(200, text, 'ok\n');
    case '/readyz': {
      const reasons = await readiness.reasons();
      const ready = reasons.length === 0;
      return send(ready ? 200 : 503, 'application/json', `${JSON.stringify({ ready, reasons })}\n`);
    }
    default:
      return send(404, text, 'there are /metrics, /healthz and /readyz\n');
  }
}

function isLoopback(host: string): boolean {
  const family = isIP(host);
  return host === 'localhost' || (family !== 0 && loopback.check(host, family === 6 ? 'ipv6' : 'ipv4'));
}

/** Whether a Host header names this machine by a loopback address. */
function isOurName(header: string | undefined): boolean {
  const name = header?.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  return name !== undefined && isLoopback(name);
}
