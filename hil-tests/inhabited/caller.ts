import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import {
  apiPrefix,
  type InputOf,
  type Operation,
  type OperationId,
  type Operations,
  operations,
  type ReplyOf,
  sessionCookie,
} from '@loadline/sdk/api';
import type { CloudProcess } from '../system/index.ts';
import type { Loot } from './loot.ts';

/** An answer of the HTTPS door, unread. */
export interface Answer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
  /** Milliseconds from the last byte sent to the head of the answer. */
  readonly milliseconds: number;
}

/** A request as somebody who means harm may write it: nothing is checked, escaped or completed. */
export interface RawCall {
  readonly method: string;
  /** Sent as it is. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array;
  /** Where it comes from, where that is not the caller's own. */
  readonly address?: string;
}

/** What a caller may prove himself with, and where he calls from. */
export interface CallerOptions {
  readonly cloud: Pick<CloudProcess, 'httpsPort' | 'authorityPem'>;
  /** An API token; without one, whatever cookies the cloud sets. */
  readonly token?: string;
  /** Where it comes from: an address of this machine's own. Default: one that nobody had. */
  readonly address?: string;
  /** Connections at a time. */
  readonly connections?: number;
  /** Gets every secret that an answer hands out. */
  readonly loot?: Loot;
}

let addresses = 0;

/** An address of this machine that nobody has called from: limits by source do not add up. */
export function freshAddress(): string {
  addresses += 1;
  return `127.${1 + ((addresses >> 16) & 0x3f)}.${(addresses >> 8) & 0xff}.${addresses & 0xff}`;
}

/** Milliseconds that an answer may take before the cloud is held to hang. */
const patience = 20_000;

/** Somebody who calls the REST API over connections of his own, from an address of his own. */
export class Caller {
  readonly address: string;
  readonly #options: CallerOptions;
  readonly #agent: Agent;
  readonly #cookies = new Map<string, string>();

  constructor(options: CallerOptions) {
    const { connections = 4, address = freshAddress() } = options;
    this.#options = options;
    this.address = address;
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  get host(): string {
    return `localhost:${this.#options.cloud.httpsPort}`;
  }

  /** The token of the session it has; undefined where it has none. */
  get session(): string | undefined {
    return this.#cookies.get(sessionCookie);
  }

  set session(token: string) {
    this.#cookies.set(sessionCookie, token);
  }

  /** Every cookie it has. */
  get cookies(): ReadonlyMap<string, string> {
    return this.#cookies;
  }

  /** The headers by which it proves itself. */
  get proof(): Record<string, string> {
    const { token } = this.#options;
    if (token !== undefined) return { authorization: `Bearer ${token}` };
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    return cookie === '' ? {} : { cookie };
  }

  /** Sends an operation with an input, whether or not that is one of its own. */
  async call<K extends OperationId>(
    id: K,
    input: InputOf<Operations[K]>,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const operation: Operation = operations[id];
    const { query, body, ...parameters } = input as Record<string, unknown>;
    const path = addressOf(operation.path, parameters as Record<string, string>, query as object | undefined);
    const json = body === undefined ? undefined : JSON.stringify(body);
    const answer = await this.send({
      method: operation.method,
      path,
      headers: {
        ...this.proof,
        ...(operation.method === 'GET' ? {} : { origin: `https://${this.host}` }),
        ...(json === undefined ? {} : bodyHeaders(json)),
        ...headers,
      },
      ...(json === undefined ? {} : { body: json }),
      // More people are taken in here in a minute than one source may: as if each time by somebody elsewhere.
      ...(operation.perMinute === undefined ? {} : { address: freshAddress() }),
    });
    this.#options.loot?.take(id, answer, input);
    return answer;
  }

  /** The same, where success is expected: what it answers. @throws Error with the problem where it is refused */
  async get<K extends OperationId>(id: K, input: InputOf<Operations[K]>): Promise<ReplyOf<Operations[K]>> {
    const answer = await this.call(id, input);
    if (answer.status < 200 || answer.status > 299) throw new Error(`${id}: ${answer.status} ${answer.body}`);
    return (answer.body === '' ? undefined : JSON.parse(answer.body)) as ReplyOf<Operations[K]>;
  }

  /** Sends a request as it is. Of a stream that has no end, the head is all that is read. */
  async send(call: RawCall): Promise<Answer> {
    const { cloud } = this.#options;
    const { method, path, headers, body } = call;
    const { response, milliseconds } = await new Promise<{
      response: IncomingMessage;
      milliseconds: number;
    }>((resolve, reject) => {
      let begun = performance.now();
      const asked = request(
        {
          host: '127.0.0.1',
          servername: 'localhost',
          localAddress: call.address ?? this.address,
          port: cloud.httpsPort,
          ca: cloud.authorityPem,
          agent: this.#agent,
          method,
          path,
          headers: { host: this.host, ...(headers as Record<string, string | string[]>) },
          timeout: patience,
        },
        (response) => resolve({ response, milliseconds: performance.now() - begun }),
      );
      asked.on('timeout', () =>
        asked.destroy(new Error(`${method} ${path.slice(0, 200)}: no answer in ${patience} ms`)),
      );
      asked.on('error', reject);
      asked.end(body);
      begun = performance.now();
    });
    const chunks: Buffer[] = [];
    if (response.headers['content-type'] === 'text/event-stream') {
      response.on('error', () => {});
      response.destroy();
    } else {
      for await (const chunk of response) chunks.push(chunk as Buffer);
    }
    for (const line of response.headers['set-cookie'] ?? []) this.#keep(line);
    const { statusCode: status = 0, headers: answered } = response;
    return { status, headers: answered, body: Buffer.concat(chunks).toString(), milliseconds };
  }

  /** Ends its connections. */
  close(): void {
    this.#agent.destroy();
  }

  #keep(line: string): void {
    const [pair = ''] = line.split(';');
    const at = pair.indexOf('=');
    const [name, value] = [pair.slice(0, at), pair.slice(at + 1)];
    if (value === '') this.#cookies.delete(name);
    else this.#cookies.set(name, value);
    this.#options.loot?.cookie(name, value);
  }
}

/** With its length: Node frames the body of a DELETE by nothing else. */
function bodyHeaders(json: string): Record<string, string> {
  return { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(json)) };
}

/** The address of an operation: what stands in the path and the query is escaped. */
export function addressOf(
  path: string,
  parameters: Readonly<Record<string, string>>,
  query: object = {},
): string {
  const filled = path.replace(/:([a-z]+)/g, (_, name: string) => encodeURIComponent(parameters[name] ?? ''));
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) asked.set(name, String(value));
  }
  return `${apiPrefix}${filled}${asked.size > 0 ? `?${asked}` : ''}`;
}

/** The code of an answer's problem details; undefined where it is none. */
export function codeOf({ body, headers }: Answer): string | undefined {
  if (!String(headers['content-type']).startsWith('application/problem+json')) return undefined;
  return (JSON.parse(body) as { code?: string }).code;
}
