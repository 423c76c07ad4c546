/**
 * What a gateway asks an EST server (RFC 7030, with RFC 8951 for the base64), and what its answers mean. Requests have
 * their parts in `enrol.ts`, the authorities theirs in `ca-certificates.ts`; everything of the connection is here, once.
 *
 *     GET, POST /.well-known/est/…
 *     -> 200 application/pkcs7-mime; smime-type=certs-only      base64 of the certificates
 *     -> 4xx, 5xx application/problem+json                      RFC 9457, `type` ends in a code of the contract
 */
import { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { request as httpsRequest } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { decodeCertsOnly } from './certs-only.ts';
import { IdentityError, identityError, reason } from './errors.ts';
import { identityLimits } from './limits.ts';

/** Where EST is spoken, and who is believed there. */
export interface EstServer {
  /** Where the cloud is, `https://host:port`; a path of its own goes before `/.well-known`. */
  readonly url: string;
  /** The authorities (PEM, one or several) that the server's and our own certificate must come from. */
  readonly authorityPem: string;
  /** `request` of `node:https`: this folder opens no socket of its own accord. */
  readonly request: typeof httpsRequest;
  /**
   * Makes the connection, where `node:https` cannot: through a proxy, with a clock that is no judge, or with our own
   * certificate shown, for which nothing may be asked for by ALPN. It is TLS already, to a server whose certificate was
   * judged for this host. An error named `Untrusted` says that it was refused. Default: `node:https` connects and verifies.
   */
  readonly connect?: (host: string, port: number) => Promise<TLSSocket>;
  /** Ends the wait, like `AbortSignal.timeout(15_000)`. */
  readonly signal: AbortSignal;
}

/** One thing to ask for: the last part of its path, and what goes with it. */
export type EstQuestion =
  | { readonly operation: 'cacerts' }
  | {
      readonly operation: 'simpleenroll' | 'simplereenroll';
      /** The request's DER. */
      readonly request: Uint8Array;
      /** `Authorization`; without it our certificate says who we are. */
      readonly authorization: string | undefined;
    };

interface Answer {
  readonly status: number;
  readonly body: string;
}

/**
 * The certificates of the answer, in its order, which means nothing.
 *
 * Throws `IdentityError`: `enrolment-refused` (a person must act), `request-malformed`, `enrolment-unavailable` (try
 * again), `enrolment-untrusted` (wrong server, authority or clock), `enrolment-malformed` (not EST).
 */
export async function askEst(server: EstServer, question: EstQuestion): Promise<X509Certificate[]> {
  const answer = await exchange(server, question);
  if (answer.status !== 200) throw refusal(answer);
  try {
    return decodeCertsOnly(answer.body).map((pem) => new X509Certificate(pem));
  } catch (cause) {
    throw wrongAnswer(reason(cause));
  }
}

/** The authorities in PEM that are trusted. Throws `certificate-malformed` where there is none, or one is unreadable. */
export function trustedIn(pems: string): X509Certificate[] {
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

/** An answer that came and is of no use. */
export function wrongAnswer(what: string): IdentityError {
  return new IdentityError('enrolment-malformed', `the answer to the enrolment is unusable: ${what}`);
}

async function exchange(server: EstServer, question: EstQuestion): Promise<Answer> {
  const url = URL.parse(`${server.url.replace(/\/+$/, '')}/.well-known/est/${question.operation}`);
  if (url?.protocol !== 'https:') {
    throw new IdentityError(
      'enrolment-untrusted',
      `'${server.url}' is not an address like https://host:port, and the enrolment secret is only sent over https`,
    );
  }
  const trusted = trustedIn(server.authorityPem);
  const connection = await connected(server, url);
  const { method, headers, body } = parts(question);
  return await new Promise((resolve, reject) => {
    const request = server.request(url, {
      method,
      ca: trusted.map(String),
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2',
      // A connection of its own, closed afterwards: nothing that was sent here is worth keeping open for.
      ...(connection ? { createConnection: () => connection } : { agent: false }),
      signal: server.signal,
      headers: { ...headers, ...(connection && { connection: 'close' }) },
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

function parts(question: EstQuestion) {
  if (question.operation === 'cacerts') return { method: 'GET', headers: {}, body: undefined };
  const { request, authorization } = question;
  const body = Buffer.from(request)
    .toString('base64')
    .replace(/.{1,64}/g, '$&\n');
  const headers = {
    ...(authorization !== undefined && { authorization }),
    'content-type': 'application/pkcs10',
    'content-transfer-encoding': 'base64',
    'content-length': Buffer.byteLength(body),
  };
  return { method: 'POST', headers, body };
}

async function connected({ connect }: EstServer, url: URL): Promise<TLSSocket | undefined> {
  try {
    return await connect?.(url.hostname.replace(/^\[|\]$/g, ''), Number(url.port || 443));
  } catch (cause) {
    const code =
      cause instanceof Error && cause.name === 'Untrusted' ? 'enrolment-untrusted' : 'enrolment-unavailable';
    throw identityError(code, `cannot enrol at ${url.host}: ${reason(cause)}`, cause);
  }
}

async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > identityLimits.certsOnlyBytes) {
      throw wrongAnswer(`it is longer than ${identityLimits.certsOnlyBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
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
