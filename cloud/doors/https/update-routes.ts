import { createReadStream, ReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { isGatewayId } from '@loadline/sdk/contract';
import type { Log } from '@loadline/sdk/platform';
import { updatePath } from '@loadline/sdk/release';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { may } from '../../access/index.ts';
import type { Authentications } from '../../audit/index.ts';
import type { Authority } from '../../authority/index.ts';
import {
  type CertificateUses,
  gatewayShown,
  type NotProven,
  nameOf,
  type ProvenGateway,
  principalOf,
  remedies,
} from '../../devices/index.ts';
import type { Releases, RepositoryFile } from '../../releases/index.ts';
import { type Directory, resourceOf } from '../../router/index.ts';
import { HandedOut } from './handed-out.ts';
import { Problem } from './problem.ts';
import { type Part, partAskedFor } from './range.ts';
import { speedLimit } from './speed.ts';

/** Files a minute that one address may ask for: a release has some hundred, and a site with many gateways is one address. */
const filesPerMinute = 6000;

/** Milliseconds in which a gateway has to take something of what it is sent. */
const stallMilliseconds = 60_000;

export interface UpdateRouteParts {
  readonly authority: Pick<Authority, 'rootsPem' | 'caCertificates'>;
  readonly directory: Directory;
  readonly releases: Pick<Releases, 'file'>;
  readonly certificateUses: Pick<CertificateUses, 'note'>;
  readonly authentications: Pick<Authentications, 'add'>;
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/**
 * The repository of releases under `/update/v1`, for gateways with their certificate: GET and HEAD, with parts (`Range`,
 * `If-Range`) and strong entity tags. A name is looked up among those that are given out, and never in the file system.
 */
export function updateRoutes(app: FastifyInstance, parts: UpdateRouteParts): void {
  const { releases } = parts;
  const handedOut = new HandedOut(() => performance.now());

  app.get<{ Params: { '*': string } }>(
    `${updatePath}/*`,
    { config: { opens: 'public', rateLimit: { ...speedLimit, max: filesPerMinute } } },
    async (request, reply) => {
      const { device } = provenGateway(request, parts);
      const name = request.params['*'];
      const file = releases.file(name);
      if (file === undefined) throw new Problem(404, 'not-found', 'the repository has no such file');
      reply.headers({
        etag: `"${file.sha256}"`,
        'accept-ranges': 'bytes',
        'cache-control': 'no-cache',
        'content-type': name.endsWith('.json') ? 'application/json' : 'application/octet-stream',
      });
      if (namesTag(request.headers['if-none-match'], file)) return await reply.status(304).send();
      const part = partOf(request, file);
      if (part === 'none') {
        reply.header('content-range', `bytes */${file.length}`);
        throw new Problem(416, 'request-invalid', `the file has ${file.length} bytes`);
      }
      const { first, last } = part === 'whole' ? { first: 0, last: file.length - 1 } : part;
      reply.status(part === 'whole' ? 200 : 206).header('content-length', last - first + 1);
      if (part !== 'whole') reply.header('content-range', `bytes ${first}-${last}/${file.length}`);
      // A stream, and an empty one: of anything else fastify would say that it has no bytes.
      if (request.method === 'HEAD') return await reply.send(Readable.from([]));
      const over = handedOut.begin(device.id);
      const content = contentOf(file, { first, last });
      // Of a file that is cut, what was read of it: who goes on where he was is not charged for the whole again and again.
      reply.raw.once('close', () =>
        over(content instanceof ReadStream ? content.bytesRead : last - first + 1),
      );
      // Who takes nothing for so long is cut, and goes on later where it was.
      request.raw.socket.setTimeout(stallMilliseconds);
      return await reply.send(content);
    },
  );
}

/** The gateway of a request; throws the problem where its certificate proves none, or none that may have this now. */
function provenGateway({ raw: { socket }, ip }: FastifyRequest, parts: UpdateRouteParts): ProvenGateway {
  const { authentications, directory, log, now } = parts;
  const shown = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
  const wall = now();
  const refuse = ({ code, detail }: Omit<NotProven, 'kind'>): Problem => {
    const name = nameOf(shown);
    log.info('update-refused', { code, from: ip, subject: shown?.subject.slice(0, 100) });
    authentications.add({
      organisation: directory.device(name ?? '')?.organisation.id ?? null,
      ...{ channel: 'https', action: 'update.fetch', code, source: ip, persons: [] },
      target: name !== undefined && isGatewayId(name) ? { kind: 'device', id: name } : null,
    });
    return new Problem(403, code, detail);
  };
  const gateway = gatewayShown(shown, parts, { wall, purpose: "the gateway's certificate" });
  if (gateway.kind === 'refused') throw refuse(gateway);
  if (gateway.notAfter < wall) {
    throw refuse({ code: 'certificate-expired', detail: remedies['certificate-expired'] });
  }
  parts.certificateUses.note(gateway, { channel: 'https', source: ip });
  const decision = may(principalOf(gateway), 'update.receive', resourceOf(gateway.device));
  if (!decision.allowed)
    throw refuse({ code: 'forbidden', detail: 'this certificate may not fetch releases' });
  return gateway;
}

/** The part that is asked for; whole where that was to be of another file than this (RFC 9110, section 13.1.5). */
function partOf({ headers, method }: FastifyRequest, file: RepositoryFile): Part | 'whole' | 'none' {
  const condition = headers['if-range'];
  if (method === 'HEAD' || (condition !== undefined && condition !== `"${file.sha256}"`)) return 'whole';
  return partAskedFor(headers.range, file.length);
}

function namesTag(header: string | undefined, { sha256 }: RepositoryFile): boolean {
  return header?.split(',').some((one) => one.trim() === '*' || one.trim() === `"${sha256}"`) ?? false;
}

/** As fast as it is taken: nothing is read ahead of what the connection takes. */
function contentOf({ at }: RepositoryFile, { first, last }: Part): Readable {
  if (typeof at === 'string') return createReadStream(at, { start: first, end: last });
  return Readable.from([at.subarray(first, last + 1)]);
}
