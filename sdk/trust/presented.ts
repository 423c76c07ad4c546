import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';

/** What the far end of a finished handshake has shown: DER, its own first. */
export function presentedChain(socket: TLSSocket): Uint8Array[] {
  const chain: Uint8Array[] = [];
  let each: Partial<DetailedPeerCertificate> | undefined = socket.getPeerCertificate(true);
  // The last is its own issuer, where it is there.
  while (each?.raw !== undefined && !chain.some((seen) => each?.raw?.equals(seen))) {
    chain.push(each.raw);
    each = each.issuerCertificate;
  }
  return chain;
}
