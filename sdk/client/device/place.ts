import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { limits } from '../../contract/index.ts';

/** Where a cloud is, and whom to believe there. */
export interface Place {
  readonly scheme: string;
  readonly host: string;
  readonly port: number;
  /** The authority its certificate must come from, PEM; the system's authorities where left out. */
  readonly authorityPem: string | undefined;
}

/**
 * Reads an address of the form `scheme://host:port`, with nothing behind it.
 *
 * @param ports the schemes that may be, each with the port that is usual; undefined where one has to be said
 * @throws RangeError that says what is wrong with it, and has no more of it than scheme and host: what is behind them may
 * be a secret
 */
export function placeOf(
  { url, authorityPem }: { readonly url: string; readonly authorityPem?: string | undefined },
  ports: Readonly<Record<string, number | undefined>>,
): Place {
  const form = Object.keys(ports)
    .map((scheme) => `${scheme}://host:port`)
    .join(' or ');
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const scheme = parsed?.protocol.slice(0, -1) ?? '';
  if (parsed === undefined || !Object.hasOwn(ports, scheme) || parsed.hostname === '') {
    throw new RangeError(`transport.url is to be ${form}`);
  }
  const { username, password, pathname, search, hash } = parsed;
  if (username + password + search + hash !== '' || !['', '/'].includes(pathname)) {
    throw new RangeError(
      `transport.url is to be ${form}, with nothing behind ${parsed.host}: a secret has a place of its own in the options`,
    );
  }
  const port = parsed.port === '' ? ports[scheme] : Number(parsed.port);
  if (port === undefined) throw new RangeError(`transport.url has no port: ${scheme}://${parsed.host}:port`);
  if (authorityPem !== undefined && !authorityPem.includes('-----BEGIN CERTIFICATE-----')) {
    // TLS would trust every public authority.
    throw new RangeError(
      "transport.authorityPem, the authority that the cloud's certificate must come from, holds no certificate in PEM",
    );
  }
  return { scheme, host: parsed.hostname.replace(/^\[(.*)\]$/, '$1'), port, authorityPem };
}

/** `host:port`, as it is written where an address may be IPv6. */
export function nameOf({ host, port }: Place): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** What TLS asks of a place. */
export function trustOf({ host, authorityPem }: Place) {
  return {
    ...(isIP(host) === 0 && { servername: host }),
    ...(authorityPem !== undefined && { ca: authorityPem }),
    minVersion: 'TLSv1.2' as const,
  };
}

/** Connects by TLS, asking for this protocol by ALPN. @throws Error in words; the signal's reason where it is aborted */
export async function openTls(
  place: Place,
  protocol: string | undefined,
  signal: AbortSignal,
): Promise<TLSSocket> {
  const socket = connectTls({
    host: place.host,
    port: place.port,
    ...trustOf(place),
    ...(protocol !== undefined && { ALPNProtocols: [protocol] }),
  });
  await standing(socket, 'secureConnect', place, signal);
  return socket;
}

/** Connects by TCP, without TLS. @throws as `openTls` */
export async function openTcp(place: Place, signal: AbortSignal): Promise<Socket> {
  const socket = connectTcp({ host: place.host, port: place.port });
  await standing(socket, 'connect', place, signal);
  return socket;
}

async function standing(socket: Socket, event: string, place: Place, signal: AbortSignal): Promise<void> {
  const within = AbortSignal.any([signal, AbortSignal.timeout(limits.connectMilliseconds)]);
  try {
    await new Promise<void>((resolve, reject) => {
      const abort = () => reject(within.reason as Error);
      if (within.aborted) abort();
      within.addEventListener('abort', abort, { once: true });
      socket.once('error', reject);
      socket.once('close', () => reject(new Error('it closed the connection')));
      socket.once(event, () => {
        within.removeEventListener('abort', abort);
        resolve();
      });
    });
    socket.setNoDelay(true);
  } catch (error) {
    // A late error of a socket that is given up has nobody else to hear it.
    socket.on('error', () => {});
    socket.destroy();
    throw new Error(whyNot(error as Error, place));
  }
}

const untrusted =
  'its certificate comes from no authority that is trusted here: give the one of your cloud as transport.authorityPem';

/** By the codes of Node and OpenSSL. */
const words: Readonly<Record<string, string>> = {
  ENOTFOUND: 'DNS does not know the name',
  EAI_AGAIN: 'no DNS server answers',
  ECONNREFUSED: 'nothing listens there: the cloud is down, or the port another one',
  ECONNRESET: 'the connection was reset',
  ETIMEDOUT: 'it does not answer',
  TimeoutError: 'it does not answer',
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name than that of transport.url',
  CERT_HAS_EXPIRED: "its certificate has ended, or this machine's clock is ahead",
  CERT_NOT_YET_VALID: "its certificate has not begun, or this machine's clock is behind",
};

/** Why there is no connection to a place, in words. */
export function whyNot(error: Error, place: Place): string {
  const one = error instanceof AggregateError ? ((error.errors[0] as Error | undefined) ?? error) : error;
  const code = (one as NodeJS.ErrnoException).code;
  const known = words[typeof code === 'string' ? code : one.name];
  return `${nameOf(place)} cannot be reached: ${known ?? (one.message || code || one.name)}`;
}
