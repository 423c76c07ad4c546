import type {
  eventsReply,
  gatewaysReply,
  ledgerReply,
  problemReply,
  readingsReply,
  SeriesReply,
  sessionReply,
} from '@loadline/sdk/contract';
import type * as z from 'zod';

// Types only: the page trusts its own cloud to keep the contract, and carries no validator to a phone.

/** Who is logged in. */
export type Session = z.infer<typeof sessionReply>;
export type Gateway = z.infer<typeof gatewaysReply>['gateways'][number];
export type Series = SeriesReply;
/** The newest reading of a series. */
export type Latest = NonNullable<Series['latest']>;
export type Value = Latest['value'];
export type Quality = Latest['quality'];
/** Ascending in time; thinned, keeping extremes, where `count` is more than was asked for. */
type Readings = z.infer<typeof readingsReply>;
/** Something that happened to a gateway or one of its sensors. */
export type GatewayEvent = z.infer<typeof eventsReply>['events'][number];
/** What was received of a gateway and what became of it. */
export type Ledger = z.infer<typeof ledgerReply>;

/** Milliseconds since 1970, and the physical value; null where the reading was not a number. */
export type Point = readonly [time: number, value: number | null];

/** An answer of the cloud that says no (RFC 9457 problem details). */
export class Problem extends Error {
  readonly status: number;
  /** Seconds after which to try again, where the cloud said so. */
  readonly retryAfter: number | null;

  constructor(status: number, message: string, retryAfter: number | null) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** No answer at all: no network, or the cloud is down. */
class Unreachable extends Error {}

/** Milliseconds until a request without an answer is given up. */
const PATIENCE = 15_000;

/** Milliseconds the page's clock may differ from the cloud's before the cloud's is used; its `Date` has whole seconds. */
const CLOCK_TOLERANCE = 2_000;

/** The cloud's REST API, as the page uses it. Throws `Problem` or `Unreachable`. */
export class Api {
  #offset = 0;

  /** Milliseconds since 1970 by the cloud's clock: ages must be right on a phone whose clock is not. */
  now(): number {
    return Date.now() + this.#offset;
  }

  logIn(name: string, password: string): Promise<void> {
    return this.#send('POST', 'session', { body: { name, password } }).then(() => undefined);
  }

  logOut(): Promise<void> {
    return this.#send('DELETE', 'session').then(() => undefined);
  }

  session(): Promise<Session> {
    return this.#get('session');
  }

  async gateways(): Promise<readonly Gateway[]> {
    return (await this.#get<{ gateways: Gateway[] }>('gateways')).gateways;
  }

  async series(): Promise<readonly Series[]> {
    return (await this.#get<{ series: Series[] }>('series')).series;
  }

  /** Readings from `from` to `to` (ms since 1970), thinned to about `points`. */
  readings(
    { gateway, tag, aspect }: Pick<Series, 'gateway' | 'tag' | 'aspect'>,
    range: { from: number; to: number; points: number },
    signal: AbortSignal,
  ): Promise<Readings> {
    const query = new URLSearchParams({
      from: new Date(range.from).toISOString(),
      to: new Date(range.to).toISOString(),
      points: String(range.points),
    });
    const series = aspect === 'heard' ? tag : `${tag}.${aspect}`;
    return this.#get(`gateways/${encodeURIComponent(gateway)}/series/${series}/readings?${query}`, signal);
  }

  ledger(gateway: string): Promise<Ledger> {
    return this.#get(`gateways/${encodeURIComponent(gateway)}/ledger`);
  }

  /** The newest events of a gateway, at most `limit`. */
  async events(gateway: string, limit: number): Promise<readonly GatewayEvent[]> {
    const path = `gateways/${encodeURIComponent(gateway)}/events?limit=${limit}`;
    return (await this.#get<{ events: GatewayEvent[] }>(path)).events;
  }

  async #get<T>(path: string, signal?: AbortSignal): Promise<T> {
    const response = await this.#send('GET', path, { signal });
    try {
      return await response.json();
    } catch (error) {
      throw new Unreachable('The answer broke off.', { cause: error });
    }
  }

  async #send(
    method: string,
    path: string,
    { body, signal }: { body?: object; signal?: AbortSignal | undefined } = {},
  ): Promise<Response> {
    const patience = AbortSignal.timeout(PATIENCE);
    let response: Response;
    try {
      response = await fetch(`/api/v1/${path}`, {
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

/** `AbortSignal.any` is younger than the phones that open this page. */
function anyOf(...signals: AbortSignal[]): AbortSignal {
  const both = new AbortController();
  for (const signal of signals) {
    if (signal.aborted) both.abort(signal.reason);
    signal.addEventListener('abort', () => both.abort(signal.reason), { once: true });
  }
  return both.signal;
}

async function readProblem(response: Response): Promise<Problem> {
  const problem: Partial<z.infer<typeof problemReply>> = await response.json().catch(() => ({}));
  const seconds = Number.parseInt(response.headers.get('retry-after') ?? '', 10);
  return new Problem(
    response.status,
    problem.detail ?? problem.title ?? `The cloud answered with status ${response.status}.`,
    Number.isNaN(seconds) ? null : seconds,
  );
}
