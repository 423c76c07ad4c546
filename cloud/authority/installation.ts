import { randomBytes } from 'node:crypto';
import { issueCertificate, type Signer } from '@loadline/sdk/identity';
import { chainFault } from '@loadline/sdk/trust';
import { withIssuer } from './authority.ts';
import { type Certificate, isRoot, isSameAuthority, readCertificates } from './certificates.ts';
import { AuthorityError } from './errors.ts';
import { chainBelow, rootOf } from './hierarchy.ts';
import type { Kept } from './kept.ts';

const day = 24 * 3_600_000;

/** What an installation would change, and what would be kept then. */
export interface Installation {
  /** Roots that were not trusted before: to be compared by eye, since nothing here vouches for the first of them. */
  readonly roots: readonly Certificate[];
  readonly crosses: readonly Certificate[];
  /** What is to issue from then on; undefined where the files have none. */
  readonly issuer: Certificate | undefined;
  readonly next: Kept;
}

/**
 * What comes of installing the certificates in `text`: roots, keys of roots certified by other roots, and the certificate for
 * the request that waits. Pure: nothing is written.
 *
 * @param request the key of the request that waits; undefined where none does
 * @param now ms since 1970
 * @throws AuthorityError `installation-refused`
 */
export function planInstallation(
  kept: Kept,
  text: string,
  { request, now }: { readonly request: Signer | undefined; readonly now: number },
): Installation {
  const held = new Set([...kept.roots, ...kept.crosses, ...kept.issuers].map(({ pem }) => pem));
  const given = readAll(text);
  const added = given.filter(
    ({ pem }, index) => !held.has(pem) && given.findIndex((one) => one.pem === pem) === index,
  );
  for (const each of added) mustBeAuthority(each, now);
  const roots = added.filter(isRoot);
  const all = {
    ...kept,
    roots: [...roots.map((root) => ({ ...root, since: now, logged: false, key: null })), ...kept.roots],
  };
  const others = added.filter((each) => !roots.includes(each));
  for (const each of others) {
    if (rootOf(all, each) === undefined) {
      throw refused(
        `${name(each)} is signed by no root that is trusted here or comes with it: install its root with it`,
      );
    }
  }
  const issuer = others.find(({ details }) => details.publicKeyPem === request?.publicKeyPem);
  const crosses = others.filter((each) => all.roots.some((root) => isSameAuthority(each, root)));
  const stranger = others.find((each) => each !== issuer && !crosses.includes(each));
  if (stranger !== undefined) throw strange(stranger, request);
  if (issuer === undefined && kept.issuers.length === 0) {
    throw refused(
      "there is no certificate for this cloud's request among them, and without one it cannot begin: 'loadline ca sign' makes it",
    );
  }
  if (added.length === 0) throw refused('everything in it is installed already');
  const withCrosses = {
    ...all,
    crosses: [...crosses.map((cross) => ({ ...cross, since: now, logged: false })), ...kept.crosses],
  };
  if (issuer === undefined) return { roots, crosses, issuer, next: withCrosses };
  const entry = { ...issuer, since: now, logged: false, key: kept.request?.key ?? null, distrusted: null };
  return { roots, crosses, issuer, next: { ...withIssuer(withCrosses, entry, now), request: null } };
}

/**
 * Whom an installation would shut out: the roots that are trusted by gateways today and by which they would not believe this
 * cloud any more, with the reason. Tried with a certificate that is issued for it and thrown away, judged as a gateway judges.
 */
export function shutOut(kept: Kept, { issuer, next }: Installation, signer: Signer, now: number): string[] {
  if (issuer === undefined) return [];
  const notAfter = Math.min(now + 3_600_000, issuer.details.notAfter);
  const leaf = issueCertificate({
    ...{ notBefore: now - 60_000, notAfter, serial: randomBytes(16) },
    ...{ profile: 'server', dnsNames: ['localhost'], ipAddresses: [] },
    issuer: { certificatePem: issuer.pem, signer },
    subject: { commonName: 'trial', publicKeyPem: signer.publicKeyPem },
  });
  const presented = [...readCertificates(leaf), ...chainBelow(next, issuer)].map(({ x509 }) => x509.raw);
  const before = kept.roots.length > 0 ? kept.roots : next.roots;
  return before.flatMap((root) => {
    const fault = chainFault({
      ...{ presented, authorityPem: root.pem },
      claim: { kind: 'server', host: 'localhost' },
      time: { kind: 'known', wall: now },
    });
    return fault === undefined ? [] : [`who knows only ${name(root)}: its certificate ${fault}`];
  });
}

function readAll(text: string): Certificate[] {
  if (/PRIVATE KEY/.test(text)) {
    throw refused(
      'it holds a private key: only certificates travel, so make another key, and keep that one where it is made',
    );
  }
  const all = readCertificates(text);
  if (all.length === 0) throw refused('it holds no certificate in PEM');
  return all;
}

function mustBeAuthority(certificate: Certificate, now: number): void {
  const { notBefore, notAfter } = certificate.details;
  if (!certificate.x509.ca) throw refused(`${name(certificate)} is not an authority's`);
  if (notAfter <= now) throw refused(`${name(certificate)} ended at ${iso(notAfter)}`);
  if (notBefore > now + day) {
    throw refused(
      `${name(certificate)} begins at ${iso(notBefore)}: is the clock of this machine or of the root's right?`,
    );
  }
}

function strange(certificate: Certificate, request: Signer | undefined): AuthorityError {
  return refused(
    request === undefined
      ? `${name(certificate)} is for a key that is not here, and no request waits: make one ('loadline-cloud authority request')`
      : `${name(certificate)} is not for the key of the request that waits: was another request signed?`,
  );
}

function name({ details }: Certificate): string {
  return `'${details.commonName}'`;
}

function iso(time: number): string {
  return new Date(time).toISOString();
}

function refused(why: string): AuthorityError {
  return new AuthorityError('installation-refused', `not installed: ${why}`);
}
