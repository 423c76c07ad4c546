/**
 * A gateway's first certificate: EST simpleenroll (RFC 7030, section 4.2), authorised by a one-time secret.
 *
 *     POST /.well-known/est/simpleenroll
 *     Authorization: Basic base64(gateway id ":" secret)
 *     Content-Type: application/pkcs10                          base64 of the request's DER
 *     -> 200 application/pkcs7-mime; smime-type=certs-only      base64 of the certificates
 *     -> 4xx, 5xx application/problem+json                      RFC 9457, `type` ends in a code of the contract
 */
import { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { request as httpsRequest } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { decodeCertsOnly } from './certs-only.ts';
import { type CertificateDetails, certificateDetails } from './details.ts';
import { IdentityError, identityError, reason } from './errors.ts';
import { pemToDer } from './forge.ts';
import { identityLimits } from './limits.ts';
import { readSigningRequest } from './request.ts';

export interface EnrolOptions {
  /** Where the cloud is, `https://host:port`; a path of its own goes before `/.well-known`. */
  readonly url: string;
  readonly gatewayId: string;
  /** The one-time enrolment secret. Sent once, inside TLS, and never logged. */
  readonly secret: string;
  /** The PKCS#10 request, PEM; its common name is the gateway id. */
  readonly requestPem: string;
  /** The authorities (PEM, one or several) that the server's and our own certificate must come from. */
  readonly authorityPem: string;
  /** `request` of `node:https`: this folder opens no socket of its own accord. */
  readonly request: typeof httpsRequest;
  /**
   * Makes the connection, where `node:https` cannot: through a proxy, or with a clock that is no judge. It is TLS
   * already, to a server whose certificate was judged for this host. An error named `Untrusted` says that it was
   * refused. Default: `node:https` connects and verifies.
   */
  readonly connect?: (host: string, port: number) => Promise<TLSSocket>;
  /** Ends the wait, like `AbortSignal.timeout(15_000)`. */
  readonly signal: AbortSignal;
}

export interface Enrolment {
  /** Our certificate, then the intermediates it needs, without the root: what TLS wants as `cert`. */
  readonly chainPem: string;
  readonly certificate: CertificateDetails;
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

/**
 * Enrols, and returns the chain only after it was seen to be for our key and our name, and signed up to the given
 * authority. Its times are not judged: a gateway's clock may not be set yet.
 *
 * Throws `IdentityError`: `enrolment-refused` (secret wrong or used: a person must act), `request-malformed`,
 * `enrolment-unavailable` (try again), `enrolment-untrusted` (wrong server, authority or clock) `enrolment-malformed` (not EST, or
 * not our certificate), or `certificate-malformed` (the given authority is none).
 */
export async function enrol(options: EnrolOptions): Promise<Enrolment> {
  const wanted = readSigningRequest(options.requestPem);
  if (wanted.commonName !== options.gatewayId) {
    throw new IdentityError(
      'request-malformed',
      `the request is for '${wanted.commonName}', and this gateway is '${options.gatewayId}'`,
    );
  }
  const trusted = authorities(options.authorityPem);
  const answer = await post(options, trusted);
  if (answer.status !== 200) throw refusal(answer);

  const received = readCertificates(answer.body);
  const ours = received.find((each) => spki(each) === wanted.publicKeyPem);
  if (ours === undefined) throw wrongAnswer('it holds no certificate for our key');
  const certificate = certificateDetails(ours.raw);
  if (certificate.commonName !== options.gatewayId) {
    throw wrongAnswer(`the certificate is for '${certificate.commonName}', not '${options.gatewayId}'`);
  }
  return { chainPem: chain(ours, received, trusted), certificate };
}

/** From our certificate up to, and without, one that a trusted authority signed. */
function chain(
  ours: X509Certificate,
  received: readonly X509Certificate[],
  trusted: readonly X509Certificate[],
): string {
  const links = [ours];
  let last = ours;
  while (!trusted.some((authority) => signed(authority, last))) {
    const next = received.find((each) => !links.includes(each) && signed(each, last));
    if (next === undefined) throw wrongAnswer('our certificate was not issued under the trusted authority');
    links.push(next);
    last = next;
  }
  return links.map(String).join('');
}

function signed(issuer: X509Certificate, certificate: X509Certificate): boolean {
  return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function authorities(pems: string): X509Certificate[] {
  const blocks = pems.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  // Not only for the message: with an empty `ca`, TLS would trust every public authority.
  if (blocks === null) {
    throw new IdentityError('certificate-malformed', 'the trusted authority holds no certificate in PEM');
  }
  try {
    return blocks.map((pem) => new X509Certificate(pem));
  } catch (cause) {
    throw identityError('certificate-malformed', "a trusted authority's certificate is unreadable", cause);
  }
}

function readCertificates(body: string): X509Certificate[] {
  try {
    return decodeCertsOnly(body).map((pem) => new X509Certificate(pem));
  } catch (cause) {
    throw wrongAnswer(reason(cause));
  }
}

function spki(certificate: X509Certificate): string {
  return certificate.publicKey.export({ type: 'spki', format: 'pem' }).toString();
}

async function post(options: EnrolOptions, trusted: readonly X509Certificate[]): Promise<Answer> {
  const url = URL.parse(`${options.url.replace(/\/+$/, '')}/.well-known/est/simpleenroll`);
  if (url?.protocol !== 'https:') {
    throw new IdentityError(
      'enrolment-untrusted',
      `'${options.url}' is not an address like https://host:port, and the enrolment secret is only sent over https`,
    );
  }
  const der = pemToDer(options.requestPem, '(?:NEW )?CERTIFICATE REQUEST') as Uint8Array;
  const body = Buffer.from(der)
    .toString('base64')
    .replace(/.{1,64}/g, '$&\n');
  const connection = await connected(options, url);
  const credentials = Buffer.from(`${options.gatewayId}:${options.secret}`).toString('base64');
  return await new Promise((resolve, reject) => {
    const request = options.request(url, {
      method: 'POST',
      ca: trusted.map(String),
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2',
      // A connection of its own, closed afterwards: nothing that was sent here is worth keeping open for.
      ...(connection ? { createConnection: () => connection } : { agent: false }),
      signal: options.signal,
      headers: {
        authorization: `Basic ${credentials}`,
        'content-type': 'application/pkcs10',
        'content-transfer-encoding': 'base64',
        'content-length': Buffer.byteLength(body),
        ...(connection && { connection: 'close' }),
      },
    });
    request.on('error', (cause) => reject(unreachable(url, cause, request.socket as TLSSocket | null)));
    request.on('response', (response) => {
      readBody(response).then(
        (text) => resolve({ status: response.statusCode ?? 0, body: text }),
        (cause) => reject(cause instanceof IdentityError ? cause : unreachable(url, cause, null)),
      );
    });
    request.end(body);
  });
}

async function connected({ connect }: EnrolOptions, url: URL): Promise<TLSSocket | undefined> {
  try {
    return await connect?.(url.hostname.replace(/^\[|\]$/g, ''), Number(url.port || 443));
  } catch (cause) {
    const code =
      cause instanceof Error && cause.name === 'Untrusted' ? 'enrolment-untrusted' : 'enrolment-unavailable';
    throw identityError(code, `cannot enrol at ${url.host}: ${reason(cause)}`, cause);
  }
}

async function readBody(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > identityLimits.certsOnlyBytes) {
      throw wrongAnswer(`it is longer than ${identityLimits.certsOnlyBytes} bytes`);
    }
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function unreachable(url: URL, cause: unknown, socket: TLSSocket | null): IdentityError {
  const why = reason(cause);
  // Node sets authorizationError when it was the certificate, and not the network, that ended it.
  if (socket?.authorizationError) {
    return new IdentityError(
      'enrolment-untrusted',
      `${url.host} is not trusted (${why}): check the address, the authority this gateway was given, and its clock`,
      { cause },
    );
  }
  return new IdentityError('enrolment-unavailable', `cannot enrol at ${url.host}: ${why}`, { cause });
}

function refusal({ status, body }: Answer): IdentityError {
  const problem = readProblem(body);
  const said = problem.detail ?? 'no detail was given';
  if (problem.code === 'request-malformed') return new IdentityError('request-malformed', said);
  if (problem.code === 'enrolment-refused' || status === 401 || status === 403) {
    return new IdentityError('enrolment-refused', `the cloud refused the enrolment (${status}): ${said}`);
  }
  // 202 is EST's own "not yet" (RFC 7030, section 4.2.3).
  if (status === 202 || status === 408 || status === 429 || status >= 500) {
    return new IdentityError('enrolment-unavailable', `the cloud cannot enrol now (${status}): ${said}`);
  }
  return wrongAnswer(`status ${status}: ${said}`);
}

/** RFC 9457. The code is the last part of `type`, whether that is a URI or the code alone. */
function readProblem(body: string): { code?: string; detail?: string } {
  try {
    const { type, detail } = JSON.parse(body) as { type?: unknown; detail?: unknown };
    return {
      ...(typeof type === 'string' && { code: type.split(/[/:#]/).at(-1) ?? type }),
      ...(typeof detail === 'string' && { detail: detail.slice(0, 500) }),
    };
  } catch {
    return {};
  }
}

function wrongAnswer(what: string): IdentityError {
  return new IdentityError('enrolment-malformed', `the answer to the enrolment is unusable: ${what}`);
}
