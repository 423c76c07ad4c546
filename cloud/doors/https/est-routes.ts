import { TLSSocket } from 'node:tls';
import { isGatewayId } from '@loadline/sdk/contract';
import { IdentityError } from '@loadline/sdk/identity';
import type { Log } from '@loadline/sdk/platform';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import {
  type Authority,
  caCertsResponse,
  checkGatewayRequest,
  csrAttributesResponse,
  type EnrolmentCredentials,
  type EstResponse,
  parseEnrolmentCredentials,
  parseSimpleEnroll,
  simpleEnrollBodyBytes,
  simpleEnrollResponse,
} from '../../authority/index.ts';
import { type Renewals, remedies } from '../../devices/index.ts';
import type { Enrolments } from '../../people/index.ts';
import type { Directory } from '../../router/index.ts';
import { Problem } from './problem.ts';
import { speedLimit } from './speed.ts';

/** Enrolments a minute that one address may try: secrets could be guessed. */
const enrolmentsPerMinute = 30;

/** Renewals a minute that one address may ask for: a site with many gateways is one. */
const renewalsPerMinute = 120;

const requestType = 'application/pkcs10';

function send(reply: FastifyReply, { status, headers, body }: EstResponse): FastifyReply {
  return reply.status(status).headers(headers).send(body);
}

/** EST (RFC 7030) under `/.well-known/est`: `cacerts`, `csrattrs`, `simpleenroll` by a one-time secret, `simplereenroll`. */
export function estRoutes(
  app: FastifyInstance,
  parts: {
    authority: Authority;
    enrolments: Enrolments;
    renewals: Renewals;
    directory: Directory;
    log: Log;
  },
): void {
  const { authority, enrolments, renewals, directory, log } = parts;
  app.addContentTypeParser(
    requestType,
    { parseAs: 'buffer', bodyLimit: simpleEnrollBodyBytes },
    (_request, body, done) => done(null, body),
  );

  app.get('/.well-known/est/cacerts', { config: { opens: 'public' } }, (_request, reply) =>
    send(reply, caCertsResponse(authority.caCertificates())),
  );

  app.get('/.well-known/est/csrattrs', { config: { opens: 'public' } }, (_request, reply) =>
    send(reply, csrAttributesResponse()),
  );

  app.post(
    '/.well-known/est/simpleenroll',
    {
      config: { opens: 'public', rateLimit: { ...speedLimit, max: enrolmentsPerMinute } },
      preParsing: async (request, reply) => {
        credentialsOf(request, reply);
        demandRequestType(request);
      },
    },
    async (request, reply) => {
      const { gatewayId, secret } = credentialsOf(request, reply);
      const organisation = directory.device(gatewayId)?.organisation.id ?? null;
      const arrival = { organisation, source: request.ip };
      try {
        // The request is checked before the secret is spent: a mistake in it must not use the secret up.
        const signingRequest = signingRequestOf(request);
        const { publicKeyPem } = checkGatewayRequest(signingRequest, gatewayId);
        if (!(await enrolments.spend({ gateway: gatewayId, secret, publicKeyPem }, arrival))) {
          log.warn('enrolment-refused', { gateway: gatewayId, from: request.ip });
          throw new Problem(403, 'enrolment-refused', 'the secret is wrong, used up, or for another gateway');
        }
        // Only who has its secret is told; and with the same key the secret opens again when it is switched on.
        if (directory.device(gatewayId)?.enabled === false) {
          enrolments.refused(gatewayId, 'device-disabled', arrival);
          throw new Problem(403, 'device-disabled', remedies['device-disabled']);
        }
        // Its key may ask again, and one that cannot use the answer does so for days.
        const late = renewals.tooOften(gatewayId);
        if (late !== undefined) {
          enrolments.refused(gatewayId, 'rate-limited', arrival);
          throw new Problem(429, 'rate-limited', late.detail, late.retryAfterSeconds);
        }
        const { certificatePem, fingerprint } = await authority.issueGateway(
          signingRequest,
          gatewayId,
          (issuance) => enrolments.record(issuance, arrival),
        );
        await directory.reloadCertificates(gatewayId);
        log.info('gateway-enrolled', { gateway: gatewayId, fingerprint, from: request.ip });
        return send(reply, simpleEnrollResponse(certificatePem));
      } catch (error) {
        if (!(error instanceof IdentityError)) throw error;
        enrolments.refused(gatewayId, 'request-malformed', arrival);
        throw new Problem(400, 'request-malformed', error.message);
      }
    },
  );

  app.post(
    '/.well-known/est/simplereenroll',
    {
      config: { opens: 'public', rateLimit: { ...speedLimit, max: renewalsPerMinute } },
      preParsing: async (request) => demandRequestType(request),
    },
    async (request, reply) => {
      const { socket } = request.raw;
      const shown = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
      const renewed = await renewals.renew(shown, () => signingRequestOf(request), request.ip);
      if (renewed.kind === 'refused') {
        const { code, detail, retryAfterSeconds } = renewed;
        log.info('renewal-refused', { code, from: request.ip, subject: shown?.subject.slice(0, 100) });
        const status = code === 'request-malformed' ? 400 : code === 'rate-limited' ? 429 : 403;
        throw new Problem(status, code, detail, retryAfterSeconds);
      }
      const { gateway, certificatePem } = renewed;
      log.info('certificate-renewed', { gateway, from: request.ip });
      return send(reply, simpleEnrollResponse(certificatePem));
    },
  );
}

/** The gateway id and the secret of a request; throws the problem where there are none, and says how to send them. */
function credentialsOf({ headers }: FastifyRequest, reply: FastifyReply): EnrolmentCredentials {
  const credentials = parseEnrolmentCredentials(headers.authorization);
  if (credentials !== undefined && isGatewayId(credentials.gatewayId)) return credentials;
  reply.header('www-authenticate', 'Basic realm="enrolment"');
  throw new Problem(401, 'enrolment-refused', 'send the gateway id and its one-time secret (HTTP Basic)');
}

/** The DER of the request in a body. @throws IdentityError `request-malformed` */
function signingRequestOf({ body }: FastifyRequest): Uint8Array {
  return parseSimpleEnroll(body instanceof Uint8Array ? body : '');
}

/** Before anybody reads the body as what it is said to be: curl says a form where it is not told otherwise. */
function demandRequestType({ headers }: FastifyRequest): void {
  const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (type === requestType) return;
  throw new Problem(
    415,
    'media-type-unsupported',
    `send the request as Content-Type: ${requestType}, in base64 (curl: -H 'content-type: ${requestType}' --data-binary @…)`,
  );
}
