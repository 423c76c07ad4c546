import { type Code, ingestPath, limits } from '@loadline/sdk/contract';
import { type Log, Secret } from '@loadline/sdk/platform';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { CredentialHolders, HeldCredential } from '../../../devices/index.ts';
import { limitedDetail, type Meter, type Metering, rateLimitHeaders } from '../../../limits/index.ts';
import type { Receipt, Router } from '../../../router/index.ts';
import { demandNoSecret, Problem } from '../problem.ts';
import { type BodyKind, bodyKind, bytesUnderWay, mediaTypes, plainBody, tooLarge } from './body.ts';
import { parseIdempotencyKey } from './idempotency-key.ts';
import { UnderWay } from './under-way.ts';

export interface IngestParts {
  readonly credentialHolders: Pick<CredentialHolders, 'show' | 'isGood'>;
  readonly router: Pick<Router, 'deliver'>;
  /** Counts and limits sessions. */
  readonly metering?: Metering | undefined;
  readonly log: Log;
}

/** A request of a device that is known, and what its head says of its body. */
interface Head {
  readonly held: HeldCredential;
  readonly kind: BodyKind;
  readonly key: string | undefined;
  readonly meter: Meter | undefined;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Of a delivery that was let in. */
    delivers: Head | null;
  }
}

/** Methods that no delivery comes by. */
const others = ['GET', 'PUT', 'PATCH', 'DELETE'] as const;

/** Seconds after which a delivery that could not be committed is to be sent again. */
const retrySeconds = 5;

/**
 * HTTPS for devices: `POST /ingest/v1` with the device's token in `X-Auth-Token`, and nowhere else. Who it is, and that its
 * body can be read, is known before the body is. The answer comes when the delivery is committed.
 */
export function ingestRoutes(app: FastifyInstance, parts: IngestParts): void {
  app.register((ingest, _options, done) => {
    const underWay = new UnderWay();
    ingest.decorateRequest('delivers', null);
    ingest.removeAllContentTypeParsers();
    ingest.addContentTypeParser(
      '*',
      { parseAs: 'buffer', bodyLimit: limits.batchBytes },
      (_request, body, parsed) => parsed(null, body),
    );
    ingest.addHook('onSend', (request, _reply, payload, sent) => {
      if (typeof payload === 'string') request.delivers?.meter?.account.sent(payload.length);
      sent(null, payload);
    });
    ingest.setErrorHandler((error: Error & { code?: string }, _request, reply) => {
      explain(error, reply);
      throw error.code === 'FST_ERR_CTP_BODY_TOO_LARGE' ? tooLarge() : error;
    });
    // What proves a device is looked up in memory, and the guard holds back who guesses: a limit by address would be one
    // for all devices of a site.
    const config = { opens: 'device-token', rateLimit: false } as const;
    ingest.post(ingestPath, {
      config,
      bodyLimit: limits.batchBytes,
      preParsing: async (request) => {
        request.delivers = admit(request, parts);
      },
      handler: (request, reply) => take(request, reply, parts, underWay),
    });
    for (const url of [ingestPath, '/ingest', '/ingest/*']) {
      ingest.route({
        method: url === ingestPath ? [...others] : ['POST', ...others],
        url,
        config,
        preParsing: async (request, reply) => {
          demandNoSecret(request);
          reply.header('allow', 'POST');
          throw url === ingestPath
            ? new Problem(405, 'request-invalid', `send deliveries with POST ${ingestPath}`)
            : new Problem(404, 'not-found', `there is nothing here: deliveries go to ${ingestPath}`);
        },
        handler: () => undefined,
      });
    }
    done();
  });
}

/** Says in the headers of a refusal what would be taken (RFC 9110, sections 11.6.1 and 15.5.16). */
function explain(error: Error, reply: FastifyReply): void {
  if (!(error instanceof Problem)) return;
  if (error.status === 401) reply.header('www-authenticate', 'X-Auth-Token realm="ingest"');
  if (error.status === 415) reply.header('accept', mediaTypes.join(', ')).header('accept-encoding', 'gzip');
}

/** Who delivers, and what is to come; throws a `Problem` before anything of the body is read. */
function admit(request: FastifyRequest, { credentialHolders: holders, metering }: IngestParts): Head {
  demandNoSecret(request);
  const { headers, ip: source } = request;
  const token = headers['x-auth-token'];
  if (typeof token !== 'string' || token === '') {
    const detail = 'send the token of the device in the header X-Auth-Token';
    const also = headers.authorization === undefined ? '' : '; Authorization is not looked at here';
    throw new Problem(401, 'unauthenticated', detail + also);
  }
  const shown = holders.show({ kind: 'token', token: new Secret(token) }, { channel: 'https', source });
  switch (shown.kind) {
    case 'held-back': {
      const { retryAfterSeconds } = shown;
      const detail = `too many attempts: try again in ${retryAfterSeconds} s`;
      throw new Problem(429, 'too-many-attempts', detail, retryAfterSeconds);
    }
    case 'refused':
      throw opensNothing();
    case 'held': {
      const kind = bodyKind(headers['content-type'], headers['content-encoding']);
      const meter = metering?.visit(shown.held.principal, { door: 'https', source });
      return { held: shown.held, kind, key: keyOf(headers['idempotency-key']), meter };
    }
  }
}

function opensNothing(): Problem {
  return new Problem(401, 'unauthenticated', 'this token opens nothing, or nothing any more');
}

function keyOf(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  const key = typeof header === 'string' ? parseIdempotencyKey(header) : undefined;
  if (key !== undefined) return key;
  const most = limits.idempotencyKeyLength;
  throw new Problem(
    400,
    'request-invalid',
    `Idempotency-Key is to be "a text" of at most ${most} characters`,
  );
}

async function take(
  request: FastifyRequest,
  reply: FastifyReply,
  parts: IngestParts,
  underWay: UnderWay,
): Promise<unknown> {
  const { held, kind, key, meter } = request.delivers as Head;
  const body = request.body instanceof Buffer ? request.body : Buffer.alloc(0);
  const { principal } = held;
  const receipt = await underWay.hold(principal.id, bytesUnderWay(body, kind), async () => {
    const plain = await plainBody(body, kind);
    // A body may take its time: who was revoked meanwhile delivers nothing any more.
    if (!parts.credentialHolders.isGood(principal.credential, 'token')) throw opensNothing();
    return await underWay.hold(principal.id, plain.length, () =>
      deliver(held, { kind, key, plain, meter }, parts),
    );
  });
  if (receipt.kind === 'failed') {
    parts.log.error('delivery-not-committed', { device: principal.id, reason: receipt.message });
  }
  reply.headers(rateLimitHeaders(meter?.standing('deliver')));
  return answer(receipt, reply);
}

/** Hands it in, and waits for the commit as long as a client may be left waiting. */
async function deliver(
  { principal }: HeldCredential,
  {
    kind: { form },
    key,
    plain,
    meter,
  }: { kind: BodyKind; key: string | undefined; plain: Uint8Array; meter: Meter | undefined },
  { router, log }: IngestParts,
): Promise<Receipt> {
  const device = principal.id;
  return await new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      log.error('commit-overdue', { device });
      const detail = 'the cloud could not commit in time; send it again, with the same Idempotency-Key';
      reject(new Problem(503, 'commit-timeout', detail, retrySeconds));
    }, limits.commitMilliseconds);
    const settle = (receipt: Receipt) => {
      clearTimeout(timer);
      resolve(receipt);
    };
    if (form === 'batch') {
      router.deliver({ principal, device, meter, channel: 'telemetry', body: plain }, settle);
    } else {
      router.deliver(
        { principal, device, meter, channel: 'readings', form, body: plain, key, door: 'https' },
        settle,
      );
    }
  });
}

/** The one place where a delivery is answered. */
function answer(receipt: Receipt, reply: FastifyReply): unknown {
  switch (receipt.kind) {
    case 'committed': {
      const { stored, duplicate } = receipt;
      return reply.header('cache-control', 'no-store').send({ stored, duplicate });
    }
    case 'rejected':
      throw new Problem(rejectionStatus(receipt.code), receipt.code, receipt.detail);
    case 'limited':
      throw new Problem(429, receipt.code, limitedDetail(receipt), receipt.retryAfterSeconds);
    case 'forbidden':
      throw new Problem(403, receipt.code, 'this device may not deliver');
    case 'answered':
      throw new Error('a delivery over HTTPS asks for nothing');
    case 'failed':
      throw new Problem(503, 'internal', 'nothing of it is known to be stored: send it again', retrySeconds);
  }
}

/** 400 where the bytes are wrong, 413 where they are too many, 422 where they are right and cannot be taken. */
function rejectionStatus(code: Code): number {
  switch (code) {
    case 'batch-too-large':
      return 413;
    case 'delivery-differs':
    case 'batch-limit':
    case 'readings-limit':
      return 422;
    default:
      return 400;
  }
}
