import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSigningRequest, generateKeyPair, IdentityError, softwareSigner } from '@loadline/sdk/identity';
import { memoryKeys } from '../keys/test-keys.ts';
import {
  type Authority,
  AuthorityError,
  caCertsResponse,
  type EstResponse,
  type Issuance,
  openAuthority,
  parseEnrolmentCredentials,
  parseSimpleEnroll,
  type ServerIdentity,
  simpleEnrollResponse,
} from './index.ts';

/** For tests: what seals the keys of all their authorities. */
export const keys = memoryKeys();

/** For tests: runs `use` with a folder that is gone afterwards. */
export async function withFolder<Result>(use: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'loadline-authority-'));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** For tests: opens an authority, its issuances gathered in `log`. */
export async function open(
  folder: string,
  now: () => number = Date.now,
): Promise<{ authority: Authority; log: Issuance[] }> {
  const log: Issuance[] = [];
  const authority = await openAuthority({ folder, keys, now, log: (issuance) => void log.push(issuance) });
  return { authority, log };
}

/** For tests: a new key's request. */
export async function requestFor(commonName: string): Promise<{ privateKeyPem: string; requestPem: string }> {
  const { privateKeyPem } = await generateKeyPair();
  const requestPem = createSigningRequest({ commonName, signer: softwareSigner(privateKeyPem) });
  return { privateKeyPem, requestPem };
}

/** For tests: the same certificate with a signature that is wrong in its last bit. */
export function spoilSignature(certificatePem: string): string {
  const der = Buffer.from(new X509Certificate(certificatePem).raw);
  der.writeUInt8(der.readUInt8(der.length - 1) ^ 1, der.length - 1);
  return new X509Certificate(der).toString();
}

/** For tests: whether `error` has this code and says this. */
export function says(error: unknown, code: string, piece: RegExp): boolean {
  const ours = error instanceof AuthorityError || error instanceof IdentityError;
  return ours && error.code === code && piece.test(error.message);
}

/** For tests: an https server on a port of its own while `use` runs. */
export async function withServer<Result>(
  identity: ServerIdentity,
  listener: RequestListener,
  use: (url: string) => Promise<Result>,
): Promise<Result> {
  const server = createServer({ key: identity.privateKeyPem, cert: identity.certificatePem }, listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    return await use(`https://localhost:${(server.address() as AddressInfo).port}`);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

/** For tests: the two routes of EST, for one gateway with one secret that is good once. */
export function estRoutes(authority: Authority, gatewayId: string, secret: string): RequestListener {
  let used = false;
  const send = (response: Parameters<RequestListener>[1], answer: EstResponse) =>
    response.writeHead(answer.status, answer.headers).end(answer.body);
  return async (request, response) => {
    if (request.url === '/.well-known/est/cacerts') {
      send(response, caCertsResponse(authority.caCertificates()));
      return;
    }
    const parts: Buffer[] = [];
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
    const sent = parseEnrolmentCredentials(request.headers.authorization);
    const refuse = (status: number, code: string, detail: string) =>
      response
        .writeHead(status, { 'content-type': 'application/problem+json' })
        .end(JSON.stringify({ type: code, status, detail }));
    if (used || sent?.gatewayId !== gatewayId || sent.secret.reveal() !== secret) {
      refuse(401, 'enrolment-refused', 'the secret is wrong or used up');
      return;
    }
    try {
      const issued = await authority.issueGateway(parseSimpleEnroll(Buffer.concat(parts)), gatewayId);
      used = true;
      send(response, simpleEnrollResponse(issued.certificatePem));
    } catch (error) {
      refuse(400, error instanceof IdentityError ? error.code : 'internal', String(error));
    }
  };
}
