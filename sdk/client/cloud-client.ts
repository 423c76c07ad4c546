import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import * as z from 'zod';
import { type InputOf, type Operation, type OperationId, type Operations, operations } from '../api/index.ts';
import { Cookies } from './cookies.ts';
import { refusal, UnreachableError } from './errors.ts';
import type { AnswerOf, CallOptions, ItemOf, ListId, Methods, OrganisationClient } from './methods.ts';
import { type AnyInput, pathOf } from './request.ts';
import { bytesIn, eventsIn, linesIn } from './streams.ts';

/** Where a cloud is, what it is trusted by, and who calls. */
export interface CloudClientOptions {
  /** `https://host:port`. */
  readonly url: string;
  /** The authority its certificate must come from, PEM; the system's authorities where left out. */
  readonly authorityPem?: string;
  /** An API token. Without one, `logIn` opens a session. */
  readonly token?: string;
  /** What `cookies` was, to go on with a session. */
  readonly cookies?: Readonly<Record<string, string>>;
}

/** Milliseconds in which something must come: an answer, or the next of a stream, which pings every ten seconds. */
const silenceMilliseconds = 30_000;

const tags = new WeakMap<object, string>();

/** The entity tag that a read's answer came with, for `ifMatch`. @throws Error where it came with none */
export function tagOf(reply: object): string {
  const tag = tags.get(reply);
  if (tag === undefined) throw new Error('it came without an entity tag: read it by itself first');
  return tag;
}

class Client {
  /** Of the cloud: scheme, host and port. */
  readonly origin: string;
  readonly #authorityPem: string | undefined;
  readonly #token: string | undefined;
  readonly #cookies: Cookies;

  constructor({ url, authorityPem, token, cookies }: CloudClientOptions) {
    const { origin, protocol } = new URL(url);
    if (protocol !== 'https:') throw new Error(`${url} must begin with https://: nothing else is spoken`);
    if (authorityPem !== undefined && !authorityPem.includes('-----BEGIN CERTIFICATE-----')) {
      // TLS would trust every public authority.
      throw new Error(
        "the authority that the cloud's certificate must come from holds no certificate in PEM",
      );
    }
    this.origin = origin;
    this.#authorityPem = authorityPem;
    this.#token = token;
    this.#cookies = new Cookies(cookies);
  }

  /** What the cloud has set: whoever has it is who logged in. */
  get cookies(): Readonly<Record<string, string>> {
    return this.#cookies.values;
  }

  /** Calls an operation by its id, which its method does too. Throws CloudError, UnreachableError. */
  async call<K extends OperationId>(
    id: K,
    input: InputOf<Operations[K]>,
    options?: CallOptions,
  ): Promise<AnswerOf<Operations[K]>>;
  async call(id: OperationId, input: AnyInput = {}, options: CallOptions = {}): Promise<unknown> {
    const operation: Operation = operations[id];
    const response = await this.#send(operation, input, options);
    switch (operation.stream) {
      case 'text/event-stream':
        return this.#guarded(eventsIn(response, operation.events ?? {}));
      case 'application/x-ndjson':
      case 'text/csv':
        return this.#guarded(linesIn(response));
      case 'application/octet-stream':
        return this.#guarded(bytesIn(response));
      case undefined:
    }
    const body = await this.#read(response);
    if (operation.reply === undefined) return undefined;
    const reply = operation.reply.safeParse(parseJson(body));
    if (!reply.success) {
      throw new Error(`${id}: the answer is not what the API describes:\n${z.prettifyError(reply.error)}`);
    }
    const { etag } = response.headers;
    if (etag !== undefined) tags.set(reply.data as object, etag);
    return reply.data;
  }

  /** Each item of a list, page after page. */
  async *each<K extends ListId>(id: K, input?: InputOf<Operations[K]>): AsyncGenerator<ItemOf<K>, void> {
    const { query, ...rest } = (input ?? {}) as AnyInput;
    for (let after: string | undefined; ; ) {
      const asked = { ...rest, query: { ...query, ...(after !== undefined && { after }) } };
      const page = await this.call(id, asked as unknown as InputOf<Operations[K]>);
      const { items, next } = page as { items: ItemOf<K>[]; next: string | null };
      yield* items;
      if (next === null) return;
      after = next;
    }
  }

  /** The operations of one organisation, which need not be named with each. */
  organisation(organisation: string): OrganisationClient {
    const within = (input: AnyInput = {}) => ({ ...input, organisation });
    const methods = Object.entries<Operation>(operations)
      .filter(([, { path }]) => path.split('/').includes(':organisation'))
      .map(([id]) => [
        id,
        (input?: AnyInput, options?: CallOptions) =>
          this.call(id as OperationId, within(input) as never, options),
      ]);
    return {
      ...Object.fromEntries(methods),
      id: organisation,
      each: (id: ListId, input?: AnyInput) => this.each(id, within(input) as never),
    } as OrganisationClient;
  }

  /** Sends a call; its answer where that is success. */
  async #send(operation: Operation, input: AnyInput, options: CallOptions): Promise<IncomingMessage> {
    const { method, stream } = operation;
    const json = input.body === undefined ? undefined : JSON.stringify(input.body);
    const cookie = this.#token === undefined ? this.#cookies.header : undefined;
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const call = request(
        new URL(pathOf(operation, input), this.origin),
        {
          method,
          timeout: silenceMilliseconds,
          ...(options.signal !== undefined && { signal: options.signal }),
          ...(this.#authorityPem !== undefined && { ca: this.#authorityPem }),
          headers: {
            accept: stream ?? 'application/json',
            ...(json !== undefined && {
              'content-type': 'application/json',
              'content-length': Buffer.byteLength(json),
            }),
            ...(this.#token !== undefined && { authorization: `Bearer ${this.#token}` }),
            ...(cookie !== undefined && { cookie }),
            // The cloud takes a session only from its own page, or from who says that he is one of his own accord.
            ...(method !== 'GET' && { origin: this.origin }),
            ...(options.ifMatch !== undefined && { 'if-match': options.ifMatch }),
          },
        },
        resolve,
      );
      call.on('timeout', () => call.destroy(new Error(`nothing came for ${silenceMilliseconds} ms`)));
      call.on('error', (error) => reject(new UnreachableError(this.origin, error)));
      call.end(json);
    });
    this.#cookies.take(response.headers['set-cookie'] ?? []);
    const { statusCode: status = 0, headers } = response;
    if (status >= 200 && status < 300) return response;
    throw refusal(status, await this.#read(response), headers['retry-after']);
  }

  async #read(response: IncomingMessage): Promise<string> {
    try {
      return await text(response);
    } catch (error) {
      throw new UnreachableError(this.origin, error);
    }
  }

  /** A stream that breaks says so like a call that does. */
  async *#guarded<T>(stream: AsyncIterable<T>): AsyncGenerator<T, void> {
    try {
      yield* stream;
    } catch (error) {
      if (error instanceof z.ZodError) throw error;
      throw new UnreachableError(this.origin, error);
    }
  }
}

for (const id of Object.keys(operations)) {
  Object.defineProperty(Client.prototype, id, {
    value(this: Client, input?: AnyInput, options?: CallOptions) {
      return this.call(id as OperationId, input as never, options);
    },
  });
}

/**
 * The REST API of a cloud: a method for each operation of its table (`sdk/api`), typed by it, answers checked by it.
 * Every call throws `CloudError` where it is refused and `UnreachableError` where there is no answer.
 */
export type CloudClient = Client & Methods;
/** @throws Error where the address is none of HTTPS, or `authorityPem` holds no certificate */
export const CloudClient = Client as unknown as new (options: CloudClientOptions) => CloudClient;

function parseJson(body: string): unknown {
  try {
    return body === '' ? undefined : JSON.parse(body);
  } catch {
    return undefined;
  }
}
