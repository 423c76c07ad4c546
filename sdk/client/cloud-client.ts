import { request } from 'node:https';
import type * as z from 'zod';
import {
  type CommandBody,
  type CommandReply,
  commandReply,
  commandsReply,
  desiredReply,
  eventsReply,
  gatewaysReply,
  ledgerReply,
  newCommandReply,
  newDesiredReply,
  newGatewayReply,
  problemReply,
  readingsReply,
  runReply,
  type SeriesReply,
  seriesListReply,
  sessionCookie,
} from '../contract/index.ts';

/** Where a cloud is, and what it is trusted by. */
export interface CloudClientOptions {
  /** `https://host:port`. */
  readonly url: string;
  /** The authority its certificate must come from, PEM; the system's authorities where left out. */
  readonly authorityPem?: string;
}

/** A refusal of the cloud, as its problem details say it. */
export class CloudError extends Error {
  override readonly name = 'CloudError';
  /** HTTP status. */
  readonly status: number;
  /** A code of `sdk/contract`. */
  readonly code: string;

  constructor(status: number, code: string, detail: string) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

/** Milliseconds an answer may take. */
const answerMilliseconds = 30_000;

/** The REST API of a cloud, typed; answers are checked against the contract. */
export class CloudClient {
  readonly #options: CloudClientOptions;
  #cookie: string | undefined;

  /** @throws Error where `authorityPem` holds no certificate: TLS would then trust every public authority */
  constructor(options: CloudClientOptions) {
    const { authorityPem } = options;
    if (authorityPem !== undefined && !authorityPem.includes('-----BEGIN CERTIFICATE-----')) {
      throw new Error(
        "the authority that the cloud's certificate must come from holds no certificate in PEM",
      );
    }
    this.#options = options;
  }

  /** Opens a session, which the calls after it use. Throws CloudError `unauthenticated`. */
  async logIn(name: string, password: string): Promise<void> {
    const { headers } = await this.#send('POST', '/api/v1/session', { name, password });
    const cookie = headers['set-cookie']?.find((one) => one.startsWith(`${sessionCookie}=`));
    this.#cookie = cookie?.split(';')[0];
  }

  /** Ends the session. */
  async logOut(): Promise<void> {
    await this.#send('DELETE', '/api/v1/session');
    this.#cookie = undefined;
  }

  /** The gateways of the organisation. */
  async gateways(): Promise<z.infer<typeof gatewaysReply>['gateways']> {
    return (await this.#get('/api/v1/gateways', gatewaysReply)).gateways;
  }

  /** Takes a gateway in, or renews its enrolment; the secret is shown this once. */
  async createGateway(id: string): Promise<z.infer<typeof newGatewayReply>> {
    const { body } = await this.#send('POST', '/api/v1/gateways', { id });
    return newGatewayReply.parse(body);
  }

  /** All series with their latest readings. */
  async series(): Promise<SeriesReply[]> {
    return (await this.#get('/api/v1/series', seriesListReply)).series;
  }

  /**
   * Physical values of one series between two times (ms since 1970), thinned to about `points` with extremes kept.
   * `series` as `25DF`, what was heard, or `25DF.mean`, another aspect.
   */
  async readings(query: {
    gateway: string;
    series: string;
    from: number;
    to: number;
    points: number;
  }): Promise<z.infer<typeof readingsReply>> {
    const { gateway, series, points } = query;
    const [from, to] = [new Date(query.from), new Date(query.to)].map((time) => time.toISOString());
    const path = `/api/v1/gateways/${gateway}/series/${series}/readings?from=${from}&to=${to}&points=${points}`;
    return await this.#get(path, readingsReply);
  }

  /** Events of a gateway, the newest first; `before` is `next` of the page before. */
  async events(query: {
    gateway: string;
    limit?: number;
    before?: string;
  }): Promise<z.infer<typeof eventsReply>> {
    const { gateway, limit = 100, before } = query;
    const from = before === undefined ? '' : `&before=${before}`;
    return await this.#get(`/api/v1/gateways/${gateway}/events?limit=${limit}${from}`, eventsReply);
  }

  /** A gateway's account, with its newest `epochs` (1000 at most); each start of the gateway is one. */
  async ledger(gateway: string, epochs = 20): Promise<z.infer<typeof ledgerReply>> {
    return await this.#get(`/api/v1/gateways/${gateway}/ledger?epochs=${epochs}`, ledgerReply);
  }

  /** What one run of a gateway (its epoch) brought, counted from what is stored. */
  async run(gateway: string, epoch: string): Promise<z.infer<typeof runReply>> {
    return await this.#get(`/api/v1/gateways/${gateway}/runs/${epoch}`, runReply);
  }

  /** What a gateway is to be configured as, and what it made of that. */
  async desired(gateway: string): Promise<z.infer<typeof desiredReply>> {
    return await this.#get(`/api/v1/gateways/${gateway}/desired`, desiredReply);
  }

  /**
   * Desires a configuration of a gateway: the keys of its file, whole, without those that only the file may say. The
   * revision it has from now on. That it was taken in says nothing of what the gateway makes of it: see `desired`.
   */
  async setDesired(gateway: string, configuration: Record<string, unknown>): Promise<string> {
    const { body } = await this.#send('PUT', `/api/v1/gateways/${gateway}/desired`, { configuration });
    return newDesiredReply.parse(body).revision;
  }

  /**
   * Gives a gateway a command, to be carried out once at most and within `expiresInSeconds`; its id. `transmit` is
   * EXPERIMENTAL. Throws CloudError `too-many-commands` where as many wait as may.
   */
  async createCommand(
    gateway: string,
    order: { command: CommandBody; expiresInSeconds: number },
  ): Promise<string> {
    const { body } = await this.#send('POST', `/api/v1/gateways/${gateway}/commands`, order);
    return newCommandReply.parse(body).id;
  }

  /** The commands of a gateway, newest first, and what became of them. */
  async commands(gateway: string): Promise<CommandReply[]> {
    return (await this.#get(`/api/v1/gateways/${gateway}/commands`, commandsReply)).commands;
  }

  /** One command, and what became of it. */
  async command(gateway: string, id: string): Promise<CommandReply> {
    return await this.#get(`/api/v1/gateways/${gateway}/commands/${id}`, commandReply);
  }

  async #get<T extends z.ZodType>(path: string, reply: T): Promise<z.infer<T>> {
    return reply.parse((await this.#send('GET', path)).body);
  }

  #send(method: string, path: string, body?: unknown) {
    const { url, authorityPem } = this.#options;
    const json = body === undefined ? undefined : JSON.stringify(body);
    return new Promise<{ headers: NodeJS.Dict<string[]>; body: unknown }>((resolve, reject) => {
      const call = request(
        new URL(path, url),
        {
          method,
          timeout: answerMilliseconds,
          ...(authorityPem === undefined ? {} : { ca: authorityPem }),
          headers: {
            accept: 'application/json',
            ...(json === undefined ? {} : { 'content-type': 'application/json' }),
            ...(this.#cookie === undefined ? {} : { cookie: this.#cookie }),
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => {
            const status = response.statusCode ?? 0;
            const parsed = parseJson(Buffer.concat(chunks).toString('utf8'));
            if (status < 300) resolve({ headers: response.headersDistinct, body: parsed });
            else reject(refusal(status, parsed));
          });
        },
      );
      call.on('error', reject);
      call.on('timeout', () =>
        call.destroy(new Error(`${url} did not answer within ${answerMilliseconds} ms`)),
      );
      call.end(json);
    });
  }
}

function parseJson(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refusal(status: number, body: unknown): CloudError {
  const problem = problemReply.safeParse(body).data;
  return new CloudError(
    status,
    problem?.code ?? 'internal',
    problem?.detail ?? `the cloud answered ${status}`,
  );
}
