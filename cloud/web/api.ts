import type { InputOf, Operations, ReplyOf } from '@loadline/sdk/api';
import { addressOf } from './address.ts';
import { type RouteId, routes } from './routes.ts';

// Types only: the page trusts its own cloud to keep the contract, and carries no validator to a phone.

type Reply<K extends RouteId> = ReplyOf<Operations[K]>;
type Input<K extends RouteId> = InputOf<Operations[K]>;
/** Operations that answer with pages. */
export type ListRoute = {
  [K in RouteId]: Reply<K> extends { items: readonly unknown[]; next: string | null } ? K : never;
}[RouteId];
/** An item of a list. */
export type ItemOf<K extends ListRoute> = Reply<K> extends { items: readonly (infer Item)[] } ? Item : never;
/** A page of a list, and what `after` must be for the next one; null where this is the last. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly next: string | null;
}
type Arguments<I> =
  Record<never, never> extends I ? [input?: I, signal?: AbortSignal] : [input: I, signal?: AbortSignal];

/** Who is logged in, and what he may do where. */
export type Session = Extract<Reply<'getCaller'>, { kind: 'user' }>;
/** What somebody is in one organisation. */
export type Standing = Session['standings'][number];
export type Device = ItemOf<'listDevices'>;
export type Series = ItemOf<'listSeries'>;
/** The newest reading of a series. */
export type Latest = NonNullable<Series['latest']>;
export type Value = Latest['value'];
export type Quality = Latest['quality'];
/** Something that happened to a device or one of its sensors. */
export type DeviceEvent = ItemOf<'listEvents'>;
/** Something that an organisation is to look at. */
export type Alarm = ItemOf<'listAlarms'>;
/** What was received of a device and what became of it. */
export type Ledger = Reply<'getLedger'>;
/** Milliseconds since 1970, and the physical value; null where the reading was not a number. */
export type Point = readonly [time: number, value: number | null];

/** An answer of the cloud that says no (RFC 9457 problem details). */
export class Problem extends Error {
  readonly status: number;
  /** One of the contract's codes; empty where the answer was no problem details. */
  readonly code: string;
  /** Seconds after which to try again, where the cloud said so. */
  readonly retryAfter: number | null;

  constructor(status: number, code: string, message: string, retryAfter: number | null) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

/** No answer at all: no network, or the cloud is down. */
class Unreachable extends Error {}

/** Milliseconds until a request without an answer is given up. */
const PATIENCE = 15_000;

/** Milliseconds the page's clock may differ from the cloud's before the cloud's is used; its `Date` has whole seconds. */
const CLOCK_TOLERANCE = 2_000;

/** Items asked for at once where the whole list is wanted. */
const PAGE = 1_000;

/** The cloud's REST API. Throws `Problem` or `Unreachable`. */
export class Api {
  /** Called when an answer makes it doubtful that the session, or what it may do, is still what it was. */
  onDoubt: () => void = () => {};
  #offset = 0;

  /** Milliseconds since 1970 by the cloud's clock: ages must be right on a phone whose clock is not. */
  now(): number {
    return Date.now() + this.#offset;
  }

  /** Calls an operation with its path's parameters, `query` and `body`. */
  async call<K extends RouteId>(id: K, ...[input, signal]: Arguments<Input<K>>): Promise<Reply<K>> {
    const [method, path] = routes[id];
    const { query, body, ...parameters } = (input ?? {}) as { query?: object; body?: object };
    try {
      const response = await this.#send(method, addressOf(path, parameters, { ...query }), body, signal);
      return (response.status === 204 ? undefined : await readBody(response)) as Reply<K>;
    } catch (error) {
      if (isDoubt(id, error)) this.onDoubt();
      throw error;
    }
  }

  /** All items of a list, page after page. */
  async all<K extends ListRoute>(id: K, ...[input, signal]: Arguments<Input<K>>): Promise<ItemOf<K>[]> {
    const call = this.call.bind(this) as (
      id: K,
      input: object,
      signal?: AbortSignal,
    ) => Promise<Page<ItemOf<K>>>;
    const { query, ...parameters } = (input ?? {}) as { query?: object };
    const items: ItemOf<K>[] = [];
    let after: string | null | undefined;
    do {
      const page: Page<ItemOf<K>> = await call(
        id,
        { ...parameters, query: { limit: PAGE, ...query, after } },
        signal,
      );
      items.push(...page.items);
      after = page.next;
    } while (after !== null);
    return items;
  }

  async #send(method: string, address: string, body?: object, signal?: AbortSignal): Promise<Response> {
    const patience = AbortSignal.timeout(PATIENCE);
    let response: Response;
    try {
      response = await fetch(address, {
        method,
        ...(body === undefined
          ? {}
          : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
        signal: signal === undefined ? patience : anyOf(signal, patience),
      });
    } catch (error) {
      throw new Unreachable('The cloud does not answer.', { cause: error });
    }
    this.#setClock(response);
    if (!response.ok) throw await readProblem(response);
    return response;
  }

  #setClock(response: Response): void {
    const cloud = Date.parse(response.headers.get('date') ?? '');
    if (Number.isNaN(cloud)) return;
    // The header is cut to whole seconds: on average it is half a second behind.
    const offset = cloud + 500 - Date.now();
    if (Math.abs(offset) < CLOCK_TOLERANCE) this.#offset = 0;
    else if (Math.abs(offset - this.#offset) > CLOCK_TOLERANCE) this.#offset = offset;
  }
}

/**
 * Whether a refusal may mean that the session is over, or may do less than it did. A wrong password is refused by the
 * same code: who is logged in is asked again then, which tells.
 */
function isDoubt(id: RouteId, error: unknown): boolean {
  if (!(error instanceof Problem) || id === 'getCaller' || id === 'logIn') return false;
  return ['unauthenticated', 'second-factor-required', 'forbidden', 'not-found'].includes(error.code);
}

/** `AbortSignal.any` is younger than the phones that open this page. */
function anyOf(...signals: AbortSignal[]): AbortSignal {
  const both = new AbortController();
  for (const signal of signals) {
    if (signal.aborted) both.abort(signal.reason);
    signal.addEventListener('abort', () => both.abort(signal.reason), { once: true });
  }
  return both.signal;
}

async function readBody(response: Response): Promise<unknown> {
  const text = await response.text().catch((error: unknown) => {
    throw new Unreachable('The answer broke off.', { cause: error });
  });
  // What was merely accepted (202) says nothing.
  return text === '' ? undefined : JSON.parse(text);
}

async function readProblem(response: Response): Promise<Problem> {
  const problem: { detail?: string; title?: string; code?: string } = await response.json().catch(() => ({}));
  const seconds = Number.parseInt(response.headers.get('retry-after') ?? '', 10);
  return new Problem(
    response.status,
    problem.code ?? '',
    problem.detail ?? problem.title ?? `The cloud answered with status ${response.status}.`,
    Number.isNaN(seconds) ? null : seconds,
  );
}
