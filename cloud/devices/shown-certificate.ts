import { X509Certificate } from 'node:crypto';
import type { Code } from '@loadline/sdk/contract';
import { chainFault } from '@loadline/sdk/trust';
import type { Authority } from '../authority/index.ts';
import type { Directory } from '../router/index.ts';
import { gatewayOf, nameOf, type ProvenGateway, remedies } from './gateway-of.ts';

/** Why a certificate that was shown over HTTPS opens nothing. */
export interface NotProven {
  readonly kind: 'refused';
  readonly code: Code;
  readonly detail: string;
}

interface JudgeParts {
  readonly authority: Pick<Authority, 'rootsPem' | 'caCertificates'>;
  readonly directory: Directory;
}

/**
 * Which gateway a certificate proves that was shown in a TLS handshake, whatever time it is: when it ends is in the answer.
 * First whether it is genuine, by the one check of chains, since TLS has the same word for one that has expired and one that
 * is forged besides; then whether it has ended before its time.
 *
 * @param wall ms since 1970
 * @param purpose what it is to be shown for, in words
 */
export function gatewayShown(
  shown: X509Certificate | undefined,
  parts: JudgeParts,
  { wall, purpose }: { readonly wall: number; readonly purpose: string },
): ProvenGateway | NotProven {
  const refused = (code: Code, detail: string): NotProven => ({ kind: 'refused', code, detail });
  if (shown === undefined) {
    return refused(
      'certificate-required',
      `show ${purpose} in the TLS handshake; it is asked for where no ALPN is offered (curl: --no-alpn --cert … --key …)`,
    );
  }
  const fault = shownFault(shown, parts, { wall, endedAfter: 0 });
  if (fault !== undefined) return refused('certificate-refused', `your certificate ${fault}`);
  const gateway = gatewayOf(shown, parts.directory);
  return typeof gateway === 'string' ? refused(gateway, remedies[gateway]) : gateway;
}

/** What is wrong with a certificate, were it not for an end after `endedAfter` (ms since 1970). */
export function shownFault(
  shown: X509Certificate,
  { authority }: Pick<JudgeParts, 'authority'>,
  time: { readonly wall: number; readonly endedAfter: number },
): string | undefined {
  // Those that issued it are known here: what the other end sends besides is not looked at, and a resumed TLS session,
  // which brings its own certificate alone, is judged like any other.
  const issuers = authority
    .caCertificates()
    .map((pem) => new X509Certificate(pem))
    .filter((issuer) => shown.checkIssued(issuer));
  return chainFault({
    presented: [shown.raw, ...issuers.map(({ raw }) => raw)],
    authorityPem: authority.rootsPem,
    claim: { kind: 'client', commonName: nameOf(shown) ?? '' },
    time: { kind: 'ended-lately', ...time },
  });
}
