import { type Certificate, hasSigned, isSameAuthority } from './certificates.ts';
import type { Issuing, Kept, Root } from './kept.ts';

/** What follows from what is kept: who is believed, and what is shown. No clock, no disk. */

/** The root that a certificate was signed by; undefined where it is none of ours. */
export function rootOf({ roots }: Pick<Kept, 'roots'>, certificate: Certificate): Root | undefined {
  return roots.find((root) => hasSigned(root, certificate));
}

/** Those that are believed when they issue. */
function believed({ issuers }: Kept): Issuing[] {
  return issuers.filter(({ distrusted }) => distrusted === null);
}

/**
 * What is shown after a certificate of this issuer: the issuer, and, for who knows only an older root, the cross
 * certificates that lead there. A root itself is never shown: who needs it to be shown has no reason to believe it.
 */
export function chainBelow(kept: Kept, issuer: Certificate): Certificate[] {
  const shown: Certificate[] = [issuer];
  const reached = rootOf(kept, issuer);
  const open: Certificate[] = reached === undefined ? [] : [reached];
  const seen = new Set<string>(open.map(({ pem }) => pem));
  for (let root = open.shift(); root !== undefined; root = open.shift()) {
    for (const cross of kept.crosses) {
      if (!isSameAuthority(cross, root)) continue;
      const above = rootOf(kept, cross);
      // A root that is trusted no more needs no way to it.
      if (above === undefined || seen.has(above.pem)) continue;
      seen.add(above.pem);
      shown.push(cross);
      open.push(above);
    }
  }
  return shown;
}

/** All roots that are trusted: the one that the cloud's own certificate comes from first. */
export function trustedRoots(kept: Kept): Root[] {
  const [issuer] = kept.issuers;
  const first = issuer && rootOf(kept, issuer);
  return [...(first === undefined ? [] : [first]), ...kept.roots.filter((root) => root !== first)];
}

/** The same in PEM. */
export function rootsPem(kept: Kept): string {
  return trustedRoots(kept)
    .map(({ pem }) => pem)
    .join('');
}

/** What client certificates are judged by, PEM: roots, and issuers for those that send only their own certificate. */
export function clientTrust(kept: Kept): string {
  return (
    rootsPem(kept) +
    believed(kept)
      .map(({ pem }) => pem)
      .join('')
  );
}

/** What EST tells at `cacerts` (RFC 7030, section 4.1.3): roots, the keys of roots certified by others, issuers. */
export function caCertificates(kept: Kept): string[] {
  return [...kept.roots, ...kept.crosses, ...believed(kept)].map(({ pem }) => pem);
}
