import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import * as z from 'zod';
import { ingestPath, limits } from '../../contract/index.ts';
import type { Secret } from '../../platform/index.ts';
import { refusal } from '../errors.ts';
import { packOf } from './pack.ts';
import { nameOf, type Place, trustOf, whyNot } from './place.ts';
import {
  type Delivery,
  failed,
  limitSeconds,
  type Outcome,
  refused,
  rejected,
  type Transport,
} from './transport.ts';

/** Milliseconds that an answer may take: a commit, and its way there and back. */
const answerMilliseconds = limits.commitMilliseconds + 10_000;
/** Characters of an answer at most: those of the cloud have a few hundred. */
const answerCharacters = 64 * 1024;

const receipt = z.object({
  stored: z.number().int().nonnegative(),
  duplicate: z.number().int().nonnegative(),
});

/** Statuses of what will be refused again, as long as it is the cloud that says so. */
const forGood: ReadonlySet<number> = new Set([400, 413, 415, 422]);

/** SenML by `POST /ingest/v1`, the key as Idempotency-Key. */
export class HttpsTransport implements Transport {
  readonly #place: Place;
  readonly #token: Secret;
  readonly #agent: Agent;

  constructor(place: Place, token: Secret) {
    this.#place = place;
    this.#token = token;
    this.#agent = new Agent({ ...trustOf(place), keepAlive: true, maxSockets: 1 });
  }

  async deliver(delivery: Delivery, signal: AbortSignal): Promise<Outcome> {
    const body = packOf(delivery.readings);
    try {
      const { status, retryAfter, text } = await this.#post(
        body,
        delivery.key,
        AbortSignal.any([signal, AbortSignal.timeout(answerMilliseconds)]),
      );
      return outcomeOf(delivery, { status, retryAfter, text }, nameOf(this.#place));
    } catch (error) {
      return failed(whyNot(error as Error, this.#place));
    }
  }

  async close(): Promise<void> {
    this.#agent.destroy();
  }

  async #post(body: Uint8Array, key: string, signal: AbortSignal) {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const call = request(
        {
          host: this.#place.host,
          port: this.#place.port,
          path: ingestPath,
          method: 'POST',
          agent: this.#agent,
          signal,
          headers: {
            'x-auth-token': this.#token.reveal(),
            'content-type': 'application/senml+json',
            'content-length': body.length,
            'idempotency-key': `"${key}"`,
          },
        },
        resolve,
      );
      call.on('error', (error) => reject(signal.aborted ? (signal.reason as Error) : error));
      call.end(body);
    });
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) {
      text += chunk;
      if (text.length > answerCharacters) throw new Error('it answers more than a cloud does');
    }
    return { status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'], text };
  }
}

/** What an answer says of a delivery. Whatever is not in the words of a cloud comes from something in between. */
function outcomeOf(
  delivery: Delivery,
  { status, retryAfter, text }: { status: number; retryAfter: string | undefined; text: string },
  where: string,
): Outcome {
  if (status === 200) {
    const said = receipt.safeParse(parseJson(text)).data;
    if (said === undefined) return failed(`something else than a cloud answers at ${where}`);
    return { kind: 'settled', ...said, rejected: [] };
  }
  const { code, message, retryAfterSeconds } = refusal(status, text, retryAfter);
  if (status === 429) {
    return { kind: 'limited', code, detail: message, seconds: retryAfterSeconds ?? limitSeconds };
  }
  if (code !== 'internal') {
    if (status === 401 || status === 403) return refused(code, message);
    if (forGood.has(status)) return rejected(delivery, code, message);
  }
  return failed(`${where} answered ${status}: ${message}`, code, retryAfterSeconds);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
