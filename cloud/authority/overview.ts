import { fingerprintInGroups, keyFingerprint } from '@loadline/sdk/identity';
import { type Certificate, hasSigned, isSameAuthority } from './certificates.ts';
import { rootOf, trustedRoots } from './hierarchy.ts';
import type { Kept } from './kept.ts';

const day = 24 * 3_600_000;

/** Days before the end of an issuing certificate, and of a root, from which on it is said that a person must act. */
export const warnDays = { issuer: 180, root: 730 } as const;

/** A certificate, as people are shown it. Times are ISO 8601. */
interface Shown {
  readonly name: string;
  /** SHA-256 of its DER, hex. */
  readonly fingerprint: string;
  /** SHA-256 of its public key (SPKI), hex: the same as in the request for it. */
  readonly key: string;
  readonly serial: string;
  readonly begins: string;
  readonly ends: string;
  /** Whole days until then, negative past it. */
  readonly daysLeft: number;
}

/** What an authority stands on, for people and programs. */
export interface Overview {
  readonly roots: readonly (Shown & {
    /** Whether the cloud's own certificate comes from it. */
    readonly current: boolean;
    readonly privateKey: 'here, sealed' | 'not here';
  })[];
  readonly issuers: readonly (Shown & {
    readonly current: boolean;
    readonly under: string | null;
    readonly distrusted: string | null;
  })[];
  /** Keys of roots that another root has certified. */
  readonly crossCertificates: readonly (Shown & { readonly by: string | null })[];
  readonly request: { readonly key: string; readonly made: string } | null;
  /** What a person should do something about, in words. */
  readonly warnings: readonly string[];
}

/** @param now ms since 1970 */
export function overviewOf(kept: Kept, now: number): Overview {
  const [root] = trustedRoots(kept);
  const [issuer] = kept.issuers;
  const isCurrentRoot = (one: Certificate) => issuer !== undefined && one === root && hasSigned(one, issuer);
  const shown = ({ details }: Certificate): Shown => ({
    name: details.commonName,
    fingerprint: details.fingerprint,
    key: keyFingerprint(details.publicKeyPem),
    serial: details.serial,
    begins: iso(details.notBefore),
    ends: iso(details.notAfter),
    daysLeft: daysLeft(details.notAfter, now),
  });
  return {
    roots: kept.roots.map((one) => ({
      ...shown(one),
      current: isCurrentRoot(one),
      privateKey: one.key === null ? 'not here' : 'here, sealed',
    })),
    issuers: kept.issuers.map((one, index) => ({
      ...shown(one),
      current: index === 0,
      under: rootOf(kept, one)?.details.fingerprint ?? null,
      distrusted: one.distrusted === null ? null : iso(one.distrusted),
    })),
    crossCertificates: kept.crosses.map((one) => ({
      ...shown(one),
      by: rootOf(kept, one)?.details.fingerprint ?? null,
    })),
    request: kept.request && {
      key: keyFingerprint(kept.request.publicKeyPem),
      made: iso(kept.request.made),
    },
    warnings: warnings(kept, now),
  };
}

/** The same for people, a line each. */
export function overviewInWords({
  roots,
  issuers,
  crossCertificates,
  request: waiting,
  warnings,
}: Overview): string[] {
  const certificate = (
    what: string,
    { name, fingerprint, ends, daysLeft }: Overview['roots'][number] | Overview['issuers'][number],
  ) => [
    `${what}: ${name}`,
    `  SHA-256  ${fingerprintInGroups(fingerprint)}`,
    `  ends     ${ends}, in ${daysLeft} days`,
  ];
  const nameOf = (fingerprint: string | null) =>
    roots.find((root) => root.fingerprint === fingerprint)?.name ?? 'a root that is trusted no more';
  return [
    ...roots.flatMap((root) => [
      ...certificate(root.current ? 'root' : 'root, trusted besides', root),
      `  its key  ${root.privateKey === 'not here' ? 'is not here' : 'is here, sealed with keys.json'}`,
    ]),
    ...issuers.flatMap((issuer) => [
      ...certificate(issuer.current ? 'issues' : 'has issued', issuer),
      `  under    ${nameOf(issuer.under)}`,
      ...(issuer.distrusted === null ? [] : [`  believed no more since ${issuer.distrusted}`]),
    ]),
    ...crossCertificates.map(
      ({ name, by, ends }) => `the key of ${name} is certified by ${nameOf(by)}, until ${ends}`,
    ),
    ...(waiting === null
      ? []
      : [`a request waits since ${waiting.made}, for the key`, `  ${fingerprintInGroups(waiting.key)}`]),
    ...warnings.map((warning) => `note: ${warning}`),
  ];
}

function warnings(kept: Kept, now: number): string[] {
  const [root] = trustedRoots(kept);
  const [issuer] = kept.issuers;
  const said: string[] = [];
  if (issuer === undefined || root === undefined) return ['there is no issuing certificate yet'];
  const left = { issuer: daysLeft(issuer.details.notAfter, now), root: daysLeft(root.details.notAfter, now) };
  if (root.key !== null) {
    said.push(
      'the key of the root is in this folder (sealed): who takes the folder and keys.json takes the fleet; ' +
        'see docs/identity.md, "From an online root to an offline one"',
    );
  } else if (left.issuer < warnDays.issuer) {
    said.push(
      `the issuing certificate ends in ${left.issuer} days, and nothing that it issues lives longer: ` +
        'authority request, loadline ca sign, authority install',
    );
  }
  if (left.root < warnDays.root) {
    said.push(
      `the root ends in ${left.root} days: have another one made and cross-signed, so that gateways adopt it in time`,
    );
  }
  for (const stray of kept.roots) {
    const certified = kept.crosses.some((cross) => isSameAuthority(cross, root));
    if (stray !== root && !certified) {
      said.push(
        `the key of the root ${root.details.commonName} is certified by no older root: who knows only ` +
          `${stray.details.commonName} does not believe this cloud`,
      );
    }
  }
  return said;
}

function daysLeft(end: number, now: number): number {
  return Math.floor((end - now) / day);
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
