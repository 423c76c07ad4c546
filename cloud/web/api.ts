/** Who is logged in. */
export interface Session {
  readonly name: string;
  readonly organisation: string;
  readonly role: string;
}

export interface Gateway {
  readonly id: string;
  readonly connected: boolean;
  /** Version of its runtime; null while it has not said. */
  readonly runtime: string | null;
}

/** A measured value as JSON carries it. */
export type Value =
  | { readonly type: 'none' }
  | { readonly type: 'uint8' | 'uint16' | 'int32' | 'float32' | 'float64'; readonly value: number }
  | { readonly type: 'nonFinite'; readonly bits: string }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'binary'; readonly value: string };

export type Quality =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'radio';
      readonly rssiDecibels: number;
      readonly correlation: number;
      readonly percent: number;
    }
  | { readonly kind: 'lqi'; readonly percent: number };

/** The newest reading of a series. */
export interface Latest {
  /** ISO 8601. */
  readonly time: string;
  readonly value: Value;
  readonly batteryLow: boolean;
  readonly error: boolean;
  readonly status: number;
  readonly quality: Quality;
}

export interface Series {
  readonly gateway: string;
  /** T24 data tag, four hexadecimal digits. */
  readonly tag: string;
  readonly name: string | null;
  readonly unit: string | null;
  /** Seconds between two transmissions; null where nobody configured it. */
  readonly intervalSeconds: number | null;
  readonly simulated: boolean;
  /** Readings stored. */
  readonly count: number;
  readonly latest: Latest | null;
}

/** Milliseconds since 1970, and the value; null where the reading was not a number. */
export type Point = readonly [time: number, value: number | null];

export interface Readings {
  /** Ascending in time; thinned, keeping extremes, where there are more than were asked for. */
  readonly points: readonly Point[];
  /** Readings in the range before thinning. */
  readonly count: number;
}

interface Counts {
  readonly received: number;
  readonly stored: number;
  readonly duplicate: number;
  readonly rejected: number;
}

interface NumberRange {
  readonly first: number;
  readonly last: number;
}

/** What a gateway says of itself, counted since its epoch began. */
interface Health {
  readonly ports: readonly {
    readonly name: string;
    readonly open: boolean;
    readonly discardedBytes: number;
  }[];
  readonly frames: number;
}

/** What was received of a gateway and what became of it. */
export interface Ledger {
  readonly deliveries: Counts;
  readonly readings: Counts;
  readonly epochs: readonly {
    readonly epoch: string;
    readonly gaps: readonly (NumberRange & { readonly state: 'dropped' | 'coming' | 'lost' })[];
    readonly health: Health | null;
  }[];
}

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
export class Unreachable extends Error {}

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
    { gateway, tag }: Pick<Series, 'gateway' | 'tag'>,
    range: { from: number; to: number; points: number },
    signal: AbortSignal,
  ): Promise<Readings> {
    const query = new URLSearchParams({
      from: new Date(range.from).toISOString(),
      to: new Date(range.to).toISOString(),
      points: String(range.points),
    });
    return this.#get(`gateways/${encodeURIComponent(gateway)}/series/${tag}/readings?${query}`, signal);
  }

  ledger(gateway: string): Promise<Ledger> {
    return this.#get(`gateways/${encodeURIComponent(gateway)}/ledger`);
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
  const problem: { title?: string; detail?: string } = await response.json().catch(() => ({}));
  const seconds = Number.parseInt(response.headers.get('retry-after') ?? '', 10);
  return new Problem(
    response.status,
    problem.detail ?? problem.title ?? `The cloud answered with status ${response.status}.`,
    Number.isNaN(seconds) ? null : seconds,
  );
}
