import { X509Certificate } from 'node:crypto';
import { certificatesIn, chainFault, type JudgedAt } from './chain.ts';

/** A root that is trusted. */
export interface TrustedRoot {
  readonly pem: string;
  /** How many times roots were adopted before it; 0 where it was trusted from the beginning. */
  readonly since: number;
}

/** What a server that was believed said of the authorities (EST cacerts), and how it was believed. */
export interface Told {
  /** The roots trusted so far. */
  readonly roots: readonly TrustedRoot[];
  /** PEM, in any order: roots, certificates that cross from one root to the next, intermediates. */
  readonly told: readonly string[];
  /** What the server presented, DER, its own certificate first. */
  readonly presented: readonly Uint8Array[];
  /** Whom it was believed to be. */
  readonly host: string;
  readonly time: JudgedAt;
}

export interface Succession {
  readonly roots: readonly TrustedRoot[];
  /** Those that are new, and those that are trusted no more; PEM. */
  readonly adopted: readonly string[];
  readonly dropped: readonly string[];
}

/**
 * Which roots are to be trusted from now on (RFC 7030, section 4.1.3; RFC 4210, section 4.4: "new with old").
 *
 * A new root is adopted where an authority that is trusted has certified its key: a certificate that crosses from one to
 * the other is among what was told, and holds by the rules of `chainFault`. That the server was believed is not enough:
 * who has stolen the key of a server, or of an intermediate, must not become a root by it.
 *
 * A root is dropped where it is told no longer and the server is believed by one that stays, and that came no earlier than
 * it: an old root, stolen after it was replaced, takes nothing back. So there is never none.
 */
export function succession({ roots, told, presented, host, time }: Told): Succession {
  const certificates = told.map((pem) => new X509Certificate(pem));
  const own = certificates.filter(isOwnIssuer);
  const crossing = certificates.filter((each) => !isOwnIssuer(each) && own.some(hasKeyOf(each)));
  const trusted = roots.map(({ pem }) => new X509Certificate(pem));
  const authorityPem = pemOf(roots);
  const adopted = own.filter((root) => {
    if (trusted.some(isSame(root)) || hasEnded(root, time)) return false;
    return crossing.some((cross) => {
      const others = crossing.filter((each) => each !== cross);
      const path = [cross, ...others].map(({ raw }) => raw);
      const claim = { kind: 'root', key: root.publicKey } as const;
      return chainFault({ presented: path, authorityPem, claim, time }) === undefined;
    });
  });
  const since = Math.max(0, ...roots.map((root) => root.since)) + 1;
  const all = [...roots, ...adopted.map((root) => ({ pem: root.toString(), since }))];
  const staying = all.filter(({ pem }) => own.some(isSame(new X509Certificate(pem))));
  const dropped = all.filter((root) => {
    const successors = staying.filter((other) => other !== root && other.since >= root.since);
    if (staying.includes(root) || successors.length === 0) return false;
    const claim = { kind: 'server', host } as const;
    return chainFault({ presented, authorityPem: pemOf(successors), claim, time }) === undefined;
  });
  return {
    roots: all.filter((root) => !dropped.includes(root)),
    adopted: adopted.map(String),
    dropped: dropped.map(({ pem }) => pem),
  };
}

/** The roots of a file of authorities in PEM, all of them trusted from the beginning. Throws where there is none. */
export function rootsOf(authorityPem: string): TrustedRoot[] {
  return certificatesIn(authorityPem).map((certificate) => ({ pem: certificate.toString(), since: 0 }));
}

const pemOf = (roots: readonly TrustedRoot[]): string => roots.map(({ pem }) => pem).join('');
const isSame = (one: X509Certificate) => (other: X509Certificate) => one.raw.equals(other.raw);
const hasKeyOf = (one: X509Certificate) => (other: X509Certificate) => one.publicKey.equals(other.publicKey);

function isOwnIssuer(certificate: X509Certificate): boolean {
  return certificate.ca && certificate.checkIssued(certificate) && certificate.verify(certificate.publicKey);
}

/** The last second counts in full. */
function hasEnded({ validToDate }: X509Certificate, { wall }: JudgedAt): boolean {
  return wall > validToDate.getTime() + 999;
}
