import { type KeyObject, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { type Facts, oids, readFacts, usages } from './facts.ts';

/** When a chain is judged, in milliseconds since 1970. */
export type JudgedAt =
  /** At this time. */
  | { readonly kind: 'known'; readonly wall: number }
  /** At some time that nobody knows, which is not before this one. */
  | { readonly kind: 'at-least'; readonly wall: number }
  /**
   * At this time, but for the end of the holder's own certificate: that may have passed already, if only after
   * `endedAfter`. Its beginning is judged, and all of its issuers' times: who has the key of one that has ended can make
   * certificates that say they are older than they are.
   */
  | { readonly kind: 'ended-lately'; readonly wall: number; readonly endedAfter: number };

/** What the holder wants to be taken for. */
export type Claim =
  /** The TLS server of this name: a host name or an IP address. */
  | { readonly kind: 'server'; readonly host: string }
  /** The TLS client of this common name. */
  | { readonly kind: 'client'; readonly commonName: string }
  /** One that signs vouchers (RFC 8366): what a gateway takes an owner by. */
  | { readonly kind: 'voucher' }
  /** An authority of this key, with others under it: what a root is believed by that was not trusted before. */
  | { readonly kind: 'root'; readonly key: KeyObject };

export interface ChainCheck {
  /** What was presented, DER, the holder's own first; others in any order. */
  readonly presented: readonly Uint8Array[];
  /** The authorities trusted, PEM, one or several. Nothing else is: no public authority, no store of the system. */
  readonly authorityPem: string;
  readonly claim: Claim;
  readonly time: JudgedAt;
}

/** What a holder signs, and what an issuer issues for, in words. */
const signs = {
  server: 'signing a handshake',
  client: 'signing a handshake',
  voucher: 'signing',
  root: 'issuing certificates',
} as const satisfies Record<Claim['kind'], string>;
const purposes = {
  server: 'a TLS server',
  client: 'a TLS client',
  voucher: 'signing vouchers',
  root: 'roots',
} as const satisfies Record<Claim['kind'], string>;

interface Certificate {
  readonly x509: X509Certificate;
  readonly facts: Facts;
}

/** The holder's certificate first, the trusted authority last. */
type Path = readonly Certificate[];

const longestPath = 6;
const mostPresented = 10;
/** Signatures looked at before the search is given up: certificates made to fit in many ways cost time. */
const mostSignatures = 40;

/** Signatures with SHA-2 or EdDSA. SHA-1 and MD5 can be forged; PSS is not told apart from PSS with SHA-1. */
const signatures: ReadonlySet<string> = new Set([
  '1.2.840.113549.1.1.11', // sha256WithRSAEncryption
  '1.2.840.113549.1.1.12', // sha384WithRSAEncryption
  '1.2.840.113549.1.1.13', // sha512WithRSAEncryption
  '1.2.840.10045.4.3.2', // ecdsa-with-SHA256
  '1.2.840.10045.4.3.3', // ecdsa-with-SHA384
  '1.2.840.10045.4.3.4', // ecdsa-with-SHA512
  '1.3.101.112', // Ed25519
]);

/** Extensions that are judged here, or that forbid nothing. Any other that is critical must be refused (RFC 5280, 4.2). */
const understood: ReadonlySet<string> = new Set(
  Object.values(oids).filter((oid) => oid !== oids.nameConstraints),
);

/**
 * Judges a presented chain (RFC 5280, section 6) where OpenSSL cannot, because the system's clock is no judge: `undefined`
 * if it may be trusted, otherwise what is wrong with it, in words that go after "its certificate".
 *
 * It is strict about everything but time: signatures up to a trusted authority, authority flags, path lengths, key
 * usages, the name, keys and hashes that hold. Of time it asks what can be asked. With a known time, every certificate
 * of the chain is valid at it. With a time that is only a floor, there is a moment at or after it at which all of them
 * are: one that ended before the floor has really expired; one that begins after it only tells that the clock is behind.
 * With `ended-lately`, the same as with a known time, but that the holder's own certificate may have ended not long ago.
 *
 * It does not ask whether the holder has the key: the TLS handshake has.
 */
export function chainFault(check: ChainCheck): string | undefined {
  const { presented, authorityPem, claim, time } = check;
  if (presented.length > mostPresented) return `comes with ${presented.length - 1} others, which is too many`;
  let certificates: Certificate[];
  try {
    certificates = presented.map(read);
  } catch (error) {
    return `is unreadable: ${(error as Error).message}`;
  }
  const [own, ...others] = certificates;
  if (own === undefined) return 'was not shown';
  const search = new Search(
    others,
    certificatesIn(authorityPem).map(({ raw }) => read(raw)),
  );
  let fault: string | undefined;
  for (const path of search.paths([own])) {
    const wrong = holderFault(own, claim) ?? pathFault(path, claim) ?? timeFault(path, time);
    if (wrong === undefined) return undefined;
    fault ??= wrong;
  }
  return fault ?? 'was not issued under the authority this gateway trusts';
}

/** All paths from the holder to a trusted authority whose names and signatures fit. */
class Search {
  readonly #others: readonly Certificate[];
  readonly #trusted: readonly Certificate[];
  #signatures = 0;

  constructor(others: readonly Certificate[], trusted: readonly Certificate[]) {
    this.#others = others;
    this.#trusted = trusted;
  }

  *paths(path: Path): Generator<Path> {
    const last = path.at(-1) as Certificate;
    if (path.length >= longestPath) return;
    for (const authority of this.#trusted) {
      if (this.#signed(authority, last)) yield [...path, authority];
    }
    for (const other of this.#others) {
      const known = [...path, ...this.#trusted].some(({ x509 }) => x509.raw.equals(other.x509.raw));
      if (!known && this.#signed(other, last)) yield* this.paths([...path, other]);
    }
  }

  /** `checkIssued` compares names and key identifiers, and asks for the right to sign certificates. */
  #signed(issuer: Certificate, certificate: Certificate): boolean {
    if (!certificate.x509.checkIssued(issuer.x509)) return false;
    if (++this.#signatures > mostSignatures) return false;
    return certificate.x509.verify(issuer.x509.publicKey);
  }
}

function holderFault({ x509, facts }: Certificate, claim: Claim): string | undefined {
  if (claim.kind === 'root') {
    if (!x509.ca || facts.basicConstraints?.authority !== true) return 'is no authority';
    if (facts.keyUsage?.keyCertSign === false) return `is not for ${signs.root}`;
    // One that issues to holders alone is an intermediate: who has its key must not become a root by it.
    if (facts.basicConstraints.pathLength === 0) return 'may have no authorities under it';
    return x509.publicKey.equals(claim.key) ? undefined : 'is for another key';
  }
  if (x509.ca || facts.basicConstraints?.authority === true) return "is an authority's";
  if (facts.keyUsage?.digitalSignature === false) return `is not for ${signs[claim.kind]}`;
  const usage = facts.extKeyUsage ?? [];
  switch (claim.kind) {
    case 'server': {
      if (!usage.includes(usages.server)) return 'is not for a TLS server';
      const { host } = claim;
      const named = isIP(host)
        ? x509.checkIP(host)
        : x509.checkHost(host, { subject: 'never', partialWildcards: false });
      return named === undefined ? `is not for ${host} (it is for ${namesOf(x509)})` : undefined;
    }
    case 'client':
      if (!usage.includes(usages.client)) return 'is not for a TLS client';
      if (x509.subject !== `CN=${claim.commonName}`) return `is not for ${claim.commonName}`;
      return undefined;
    case 'voucher':
      return usage.includes(usages.voucher) ? undefined : 'is not for signing vouchers';
  }
}

function pathFault(path: Path, claim: Claim): string | undefined {
  for (const [index, { x509, facts }] of path.entries()) {
    const isAuthority = index > 0;
    const isTrusted = index === path.length - 1;
    const whose = isAuthority ? `has an issuer (${shortName(x509.subject)}) that` : '';
    const say = (what: string): string => `${whose} ${what}`.trim();
    const weak = keyFault(x509.publicKey);
    if (weak !== undefined) return say(weak);
    // What a trusted authority says of itself is believed, however it signed it.
    if (!isTrusted && !signatures.has(facts.signatureAlgorithm))
      return say('is signed in a way that can be forged');
    const unknown = facts.critical.find((oid) => !understood.has(oid));
    if (unknown !== undefined || facts.hasNameConstraints) {
      return say(`is restricted in a way that is not understood here (${unknown ?? oids.nameConstraints})`);
    }
    if (!isAuthority) continue;
    if (!x509.ca || facts.basicConstraints?.authority !== true) return say('is no authority');
    if (facts.keyUsage?.keyCertSign === false) return say('may not issue certificates');
    // Authorities under this one, the holder among them where it is one.
    const { pathLength } = facts.basicConstraints;
    const under = claim.kind === 'root' ? index : index - 1;
    if (pathLength !== undefined && under > pathLength)
      return say('may not have so many authorities under it');
    // One that may issue for some purposes only makes no root, which may issue for all.
    const purpose = claim.kind === 'root' ? usages.any : usages[claim.kind];
    if (facts.extKeyUsage?.every((usage) => usage !== purpose && usage !== usages.any)) {
      return say(`may not issue for ${purposes[claim.kind]}`);
    }
  }
  return undefined;
}

function timeFault(path: Path, time: JudgedAt): string | undefined {
  const { from, to } = span(path);
  if (isOver(to, from)) return 'and its issuers are never valid at one time';
  const { wall } = time;
  switch (time.kind) {
    case 'at-least':
      return isOver(to, wall) ? `ended at ${iso(to)}, and it is ${iso(wall)} or later` : undefined;
    case 'known':
      if (isOver(to, wall)) return `ended at ${iso(to)}, and it is ${iso(wall)}`;
      break;
    case 'ended-lately': {
      const issuers = span(path.slice(1));
      if (isOver(issuers.to, wall))
        return `has an issuer that ended at ${iso(issuers.to)}, and it is ${iso(wall)}`;
      if (isOver(to, time.endedAfter)) return `ended at ${iso(to)}, and not after ${iso(time.endedAfter)}`;
    }
  }
  return wall < from ? `begins at ${iso(from)}, and it is ${iso(wall)}` : undefined;
}

/** The time in which all of them are valid, in ms since 1970. */
function span(path: Path): { readonly from: number; readonly to: number } {
  return {
    from: Math.max(...path.map(({ x509 }) => x509.validFromDate.getTime())),
    to: Math.min(...path.map(({ x509 }) => x509.validToDate.getTime())),
  };
}

/** Whether what is valid until `to` is so no more at `wall`: its last second counts in full. */
function isOver(to: number, wall: number): boolean {
  return wall > to + 999;
}

function iso(time: number): string {
  return new Date(time).toISOString();
}

function keyFault(key: KeyObject): string | undefined {
  const { modulusLength = 0, publicExponent = 0n, namedCurve = '' } = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case 'rsa':
      if (modulusLength < 2048 || modulusLength > 8192) return `has an RSA key of ${modulusLength} bits`;
      return publicExponent < 65_537n ? `has an RSA key of exponent ${publicExponent}` : undefined;
    case 'ec':
      return /^(prime256v1|secp384r1|secp521r1)$/.test(namedCurve) ? undefined : `has a key on ${namedCurve}`;
    case 'ed25519':
      return undefined;
    default:
      return `has a key of kind ${key.asymmetricKeyType}`;
  }
}

function read(der: Uint8Array): Certificate {
  return { x509: new X509Certificate(der), facts: readFacts(der) };
}

/**
 * The certificates of a file of authorities, PEM.
 *
 * @throws Error where there is none, or one is unreadable: that is for whoever configured it, and no fault of the far
 *   end's.
 */
export function certificatesIn(pems: string): X509Certificate[] {
  const blocks = pems.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  if (blocks === null) throw new Error('the trusted authority holds no certificate in PEM');
  return blocks.map((pem) => new X509Certificate(pem));
}

/** At most 80 characters that a log can hold: it may be an impostor's. */
function shortName(name: string): string {
  return printable(name.replaceAll('\n', ', ')).slice(0, 80);
}

function namesOf(x509: X509Certificate): string {
  return printable(x509.subjectAltName ?? 'no name').slice(0, 80);
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?');
}
