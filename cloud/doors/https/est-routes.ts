import { isGatewayId } from '@loadline/sdk/contract';
import { IdentityError } from '@loadline/sdk/identity';
import type { Log } from '@loadline/sdk/platform';
import type { FastifyInstance, FastifyReply } from 'fastify';
import {
  type Authority,
  caCertsResponse,
  checkGatewayRequest,
  type EstResponse,
  parseEnrolmentCredentials,
  parseSimpleEnroll,
  simpleEnrollBodyBytes,
  simpleEnrollResponse,
} from '../../authority/index.ts';
import type { Enrolments } from '../../people/index.ts';
import type { Directory } from '../../router/index.ts';
import { Problem } from './problem.ts';
import { speedLimit } from './speed.ts';

/** Enrolments a minute that one address may try. */
const enrolmentsPerMinute = 30;

function send(reply: FastifyReply, { status, headers, body }: EstResponse): FastifyReply {
  return reply.status(status).headers(headers).send(body);
}

/** EST (RFC 7030): `/.well-known/est/cacerts` and `simpleenroll`, the latter with a one-time secret. */
export function estRoutes(
  app: FastifyInstance,
  parts: { authority: Authority; enrolments: Enrolments; directory: Directory; log: Log },
): void {
  const { authority, enrolments, directory, log } = parts;
  app.addContentTypeParser(
    'application/pkcs10',
    { parseAs: 'buffer', bodyLimit: simpleEnrollBodyBytes },
    (_request, body, done) => done(null, body),
  );

  app.get('/.well-known/est/cacerts', { config: { opens: 'public' } }, (_request, reply) =>
    send(reply, caCertsResponse(authority.caCertificates())),
  );

  app.post(
    '/.well-known/est/simpleenroll',
    { config: { opens: 'public', rateLimit: { ...speedLimit, max: enrolmentsPerMinute } } },
    async (request, reply) => {
      const credentials = parseEnrolmentCredentials(request.headers.authorization);
      if (credentials === undefined || !isGatewayId(credentials.gatewayId)) {
        reply.header('www-authenticate', 'Basic realm="enrolment"');
        throw new Problem(
          401,
          'enrolment-refused',
          'send the gateway id and its one-time secret (HTTP Basic)',
        );
      }
      const { gatewayId, secret } = credentials;
      const organisation = directory.device(gatewayId)?.organisation.id ?? null;
      const arrival = { organisation, source: request.ip };
      try {
        const body = request.body instanceof Uint8Array ? request.body : '';
        // The request is checked before the secret is spent: a mistake in it must not use the secret up.
        const signingRequest = parseSimpleEnroll(body);
        const { publicKeyPem } = checkGatewayRequest(signingRequest, gatewayId);
        if (!(await enrolments.spend({ gateway: gatewayId, secret, publicKeyPem }, arrival))) {
          log.warn('enrolment-refused', { gateway: gatewayId, from: request.ip });
          throw new Problem(403, 'enrolment-refused', 'the secret is wrong, used up, or for another gateway');
        }
        const { chainPem, fingerprint } = await authority.issueGateway(
          signingRequest,
          gatewayId,
          (issuance) => enrolments.record(issuance, arrival),
        );
        await directory.reload();
        log.info('gateway-enrolled', { gateway: gatewayId, fingerprint, from: request.ip });
        return send(reply, simpleEnrollResponse(chainPem));
      } catch (error) {
        if (!(error instanceof IdentityError)) throw error;
        enrolments.refused(gatewayId, 'request-malformed', arrival);
        throw new Problem(400, 'request-malformed', error.message);
      }
    },
  );
}
