import type { TLSSocket } from 'node:tls';
import { type CertificateRefusal, gatewayOf, type ProvenGateway, stillFault } from '../../devices/index.ts';
import type { Directory } from '../../router/index.ts';

/**
 * Which gateway this is, by the certificate of its TLS session; or the code of why it is none. Asked at every connection: a
 * resumed session brings its old certificate without proving it again, and TLS looks at neither revocation nor time.
 *
 * @param now ms since 1970
 */
export function identify(
  socket: TLSSocket | undefined,
  clientId: string,
  directory: Directory,
  now: number,
): ProvenGateway | CertificateRefusal {
  const certificate = socket?.getPeerX509Certificate();
  if (certificate === undefined) return 'identity-mismatch';
  const gateway = gatewayOf(certificate, directory);
  if (typeof gateway === 'string') return gateway;
  if (gateway.device.id !== clientId) return 'identity-mismatch';
  return stillFault(gateway, directory, now) ?? gateway;
}

/**
 * What a connection shows for a certificate: a good one, none at all, or one that is refused, with the reason. To be
 * asked for the certificate first: of a resumed session without one TLS says that all is well.
 */
export function certificateOf(
  socket: TLSSocket,
):
  | { readonly kind: 'good' }
  | { readonly kind: 'none' }
  | { readonly kind: 'refused'; readonly reason: string } {
  if (socket.getPeerX509Certificate() === undefined) return { kind: 'none' };
  if (socket.authorized) return { kind: 'good' };
  return { kind: 'refused', reason: String(socket.authorizationError) };
}
