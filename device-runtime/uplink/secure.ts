import { isIP } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { chainFault, presentedChain } from '@loadline/sdk/trust';
import type { Time } from '../clock/index.ts';
import { openTunnel, type ProxyConfig } from './proxy.ts';
import { at, type Destination, explain, notBelieved } from './reasons.ts';

export interface SecureOptions extends Destination {
  /** The fleet's authorities, PEM: nobody else is believed. */
  readonly authorityPem: string;
  /** What is known of the time, at this moment. */
  readonly time: Time;
  readonly proxy?: ProxyConfig | undefined;
  /** The protocol to ask for by ALPN, so that one port can serve several. */
  readonly protocol?: string;
  /** Who we are, PEM; left out where the far end does not ask. */
  readonly client?: { readonly privateKeyPem: string; readonly chainPem: string };
  /** Ends the attempt. */
  readonly signal: AbortSignal;
}

/** What answers is not whom we want to talk to. */
export class Untrusted extends Error {
  override readonly name = 'Untrusted';
}

/**
 * A TLS connection to whom it should lead to, or none. It is handed over before a byte was sent on it, and after
 * the far end's certificate was judged: by OpenSSL where the system's clock is vouched for, otherwise by `chainFault`,
 * which is strict about everything but time and says what it asks of that.
 *
 * @throws Untrusted; Error that says in words what is wrong; the signal's reason when it is aborted
 */
export async function connectSecure(options: SecureOptions): Promise<TLSSocket> {
  const { host, port, authorityPem, time, client, protocol, signal } = options;
  signal.throwIfAborted();
  // With an empty `ca`, TLS would trust every public authority: whoever owns DNS gets a certificate of one.
  if (!/-----BEGIN CERTIFICATE-----/.test(authorityPem)) {
    throw new Untrusted(
      'the file uplink.authority holds no certificate in PEM: nobody can be believed by it',
    );
  }
  const tunnel = await openTunnel({ host, port }, options.proxy, signal);
  const bySystemClock = isSystemClock(time);
  let socket: TLSSocket | undefined;
  try {
    // Throws where our own key or certificate is of no use, and the tunnel must not be left behind then either.
    socket = connect({
      socket: tunnel,
      host,
      ...(isIP(host) === 0 && { servername: host }),
      ...(protocol !== undefined && { ALPNProtocols: [protocol] }),
      ca: authorityPem,
      ...(client && { key: client.privateKeyPem, cert: client.chainPem }),
      minVersion: 'TLSv1.2',
      rejectUnauthorized: bySystemClock,
    } satisfies ConnectionOptions);
    await handshake(socket, options);
    if (bySystemClock) return socket;
    const claim = { kind: 'server', host } as const;
    const fault = chainFault({ presented: presentedChain(socket), authorityPem, claim, time });
    if (fault !== undefined) throw new Untrusted(notBelieved(fault, options));
    return socket;
  } catch (error) {
    socket?.destroy();
    tunnel.destroy();
    throw error;
  }
}

/** Whether OpenSSL's clock, which is the system's, is at the time that the system vouched for: it may have been set since. */
function isSystemClock(time: Time): boolean {
  return time.kind === 'known' && time.by === 'system' && Math.abs(Date.now() - time.wall) < 60_000;
}

/** Certificates that OpenSSL refuses have codes without a prefix. */
const certificateCode = /^(CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_|ERR_TLS_CERT_)/;

function handshake(socket: TLSSocket, options: SecureOptions): Promise<void> {
  const { signal } = options;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    const failed = (error: NodeJS.ErrnoException): void => {
      const Kind = certificateCode.test(error.code ?? '') ? Untrusted : Error;
      reject(new Kind(explain(error, options), { cause: error }));
    };
    const closed = (): void =>
      reject(new Error(`${at(options)} closed the connection during the TLS handshake`));
    const settle = (): void => {
      signal.removeEventListener('abort', abort);
      socket.off('close', closed);
    };
    signal.addEventListener('abort', abort, { once: true });
    socket.once('close', closed);
    // It stays: what comes after the first is a consequence, and unheard it would end the process.
    socket.on('error', failed);
    socket.once('secureConnect', () => resolve());
    for (const event of ['secureConnect', 'error', 'close']) socket.once(event, settle);
  });
}
