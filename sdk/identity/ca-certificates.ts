/**
 * The fleet's authorities, as the cloud tells them: EST cacerts (RFC 7030, section 4.1), without any proof of who asks.
 *
 *     GET /.well-known/est/cacerts      -> roots, certificates that cross from one root to the next, intermediates
 */
import { askEst, type EstServer } from './est.ts';

/**
 * The certificates (PEM), in no order. They were told by a server that was believed, and nothing more: whoever trusts
 * them besides must look for a signature by an authority that was trusted before (section 4.1.3).
 *
 * Throws as `enrol` does.
 */
export async function caCertificates(server: EstServer): Promise<string[]> {
  return (await askEst(server, { operation: 'cacerts' })).map(String);
}
