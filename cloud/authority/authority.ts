import { join } from 'node:path';
import {
  IdentityError,
  type Issuer,
  issueCertificate,
  type Profile,
  readSigningRequest,
  type Subject,
  softwareSigner,
} from '@loadline/sdk/identity';
import { type Certificate, readCertificate } from './certificates.ts';
import { AuthorityError } from './errors.ts';
import { keptVersion, newIssuer, openFolder, publishRoot, withFolder } from './folder.ts';
import { caCertificates, chainBelow, clientTrust, rootOf, rootsPem, trustedRoots } from './hierarchy.ts';
import {
  authorityIssuance,
  holderIssuance,
  type Issuance,
  lifetimes,
  type Making,
  mustNotHaveEnded,
  signerOf,
  terms,
} from './issuing.ts';
import { type Issuing, type Kept, keptFiles, nothing, readKept, writeKept } from './kept.ts';
import { openIdentity } from './kept-identity.ts';
import { isForNames, type ServerIdentity, serverProfile } from './server-identity.ts';

export interface AuthorityOptions extends Making {
  /** Where the keys are made and stay, sealed. One cloud at a time; ceremonies are done on it meanwhile. */
  readonly folder: string;
  /** Told of every certificate before it is handed out; what it throws keeps the certificate back. */
  readonly log: (issuance: Issuance) => void | Promise<void>;
  /** Milliseconds that a gateway's certificate lives. Default: thirty days. */
  readonly gatewayMilliseconds?: number | undefined;
}

/** A certificate, those above it, and what signs with its key. */
interface ChainedIssuer extends Issuer {
  /** The certificate, and those between it and the roots. */
  readonly chainPem: string;
}

export interface Authority {
  /** The root that this cloud's own certificate comes from, the newest one: what new gateways and clients are given. */
  readonly certificatePem: string;
  /** All roots that are trusted, PEM: that one first, older ones after it for as long as they are trusted. */
  readonly rootsPem: string;
  /** What EST tells at `cacerts`: all roots, the keys of roots certified by others, the issuing certificates. PEM. */
  caCertificates(): string[];
  /** What TLS servers judge client certificates by (`ca`), PEM: roots and issuing certificates, older ones too. */
  clientTrust(): string;
  /** Calls the listener after each change of any of these. @returns ends that */
  onChange(listener: () => void): () => void;
  /**
   * The cloud's own key and certificate for localhost, 127.0.0.1, ::1 and `names` (host names and addresses), from
   * the folder; made anew when less than a third of its life is left, or the names or the issuer changed.
   */
  issueServer(options: { names: readonly string[] }): Promise<ServerIdentity>;
  /**
   * Issues a gateway's certificate for a PKCS#10 request (PEM or DER), which must ask for exactly `gatewayId`. That the
   * sender may enrol as that gateway has been checked before. `log`, in the place of the authority's own, is told of it
   * by who knows more of the sender. Throws IdentityError `request-malformed`, AuthorityError `authority-expired`.
   */
  issueGateway(
    request: string | Uint8Array,
    gatewayId: string,
    log?: AuthorityOptions['log'],
  ): Promise<Issuance>;
  /** The certificate that vouchers are signed with, and its key; made anew like the server's. */
  voucherSigner(): Promise<ChainedIssuer>;
  /** Takes up what a ceremony has put in force in the folder since. @returns whether there was anything */
  refresh(): Promise<boolean>;
  /** Replaces the issuing certificate in the last third of its life, where the root is in the folder. To be called daily. */
  renew(): Promise<boolean>;
  /** What it stands on now. */
  standing(): Standing;
}

/** Ends and whereabouts of what is issued with. Times in ms since 1970. */
export interface Standing {
  readonly issuer: { readonly fingerprint: string; readonly commonName: string; readonly notAfter: number };
  readonly root: {
    readonly fingerprint: string;
    readonly commonName: string;
    readonly notAfter: number;
    /** Whether its key is in this folder, and can sign without a ceremony. */
    readonly isOnline: boolean;
  };
  /** Fingerprints of issuers and roots that are believed no more: all that they issued is to be revoked. */
  readonly distrusted: readonly string[];
}

/**
 * Opens the authority in `folder`, or makes it: a root and an issuing certificate under it. Throws AuthorityError, and
 * SealError where `keys` do not open what is sealed in it.
 */
export async function openAuthority(options: AuthorityOptions): Promise<Authority> {
  const authority = await withFolder(options.folder, async () => {
    const kept = await openFolder(options.folder, options);
    const opened = new FolderAuthority(options);
    await opened.takeUp(kept);
    return opened;
  });
  // A cloud that was off meanwhile must not end by an issuer that it can replace itself: its doors need a certificate first.
  await authority.renew();
  return authority;
}

/** What an identity of the cloud's own is to be. */
interface Wanted {
  readonly commonName: string;
  readonly profile: Profile;
  readonly fits: (certificate: Certificate) => boolean;
}

class FolderAuthority implements Authority {
  readonly #options: AuthorityOptions;
  readonly #listeners = new Set<() => void>();
  #kept = nothing;
  #issuer: Issuer | undefined;
  #version = '';
  /** The last of the cloud's own identities to be opened: two that are made at a time would write one file. */
  #owning: Promise<unknown> = Promise.resolve();

  constructor(options: AuthorityOptions) {
    this.#options = options;
  }

  /**
   * Records what is new in the folder, and works with it from then on. To be called `withFolder`.
   * @returns whether anything of it is believed or shown in another way
   */
  async takeUp(kept: Kept): Promise<boolean> {
    const { folder, keys, log } = this.#options;
    const [issuer] = kept.issuers;
    if (issuer === undefined)
      throw new AuthorityError('authority-waiting', `${folder} has nothing to issue with`);
    const signer = await signerOf(keys, issuer);
    const all = [...kept.roots, ...kept.crosses, ...kept.issuers];
    for (const each of all) if (!each.logged) await log(authorityIssuance(each, all));
    const recorded = withAllLogged(kept);
    if (all.some(({ logged }) => !logged)) await writeKept(folder, recorded);
    await publishRoot(folder, recorded);
    const before = inForce(this.#kept);
    this.#kept = recorded;
    this.#issuer = { certificatePem: issuer.pem, signer };
    this.#version = await keptVersion(folder);
    if (inForce(recorded) === before) return false;
    for (const listener of this.#listeners) listener();
    return true;
  }

  get certificatePem(): string {
    return trustedRoots(this.#kept)[0]?.pem ?? '';
  }

  get rootsPem(): string {
    return rootsPem(this.#kept);
  }

  caCertificates(): string[] {
    return caCertificates(this.#kept);
  }

  clientTrust(): string {
    return clientTrust(this.#kept);
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async issueServer({ names }: { names: readonly string[] }): Promise<ServerIdentity> {
    const all = ['localhost', '127.0.0.1', '::1', ...names];
    const { privateKeyPem, certificatePem, chainPem } = await this.#own('server', {
      commonName: 'Loadline cloud',
      profile: serverProfile(all),
      fits: ({ pem }) => isForNames(pem, all),
    });
    const { notAfter } = readCertificate(certificatePem).details;
    return { privateKeyPem, certificatePem: chainPem, notAfter };
  }

  async voucherSigner(): Promise<ChainedIssuer> {
    const { privateKeyPem, certificatePem, chainPem } = await this.#own('voucher', {
      commonName: 'Loadline vouchers',
      profile: { profile: 'voucher' },
      fits: () => true,
    });
    return { certificatePem, chainPem, signer: softwareSigner(privateKeyPem) };
  }

  async issueGateway(
    request: string | Uint8Array,
    gatewayId: string,
    tell: AuthorityOptions['log'] = this.#options.log,
  ): Promise<Issuance> {
    const subject = checkGatewayRequest(request, gatewayId);
    const { gatewayMilliseconds = lifetimes.gateway } = this.#options;
    return await this.#issue({ profile: 'gateway' }, subject, gatewayMilliseconds, tell);
  }

  async refresh(): Promise<boolean> {
    const { folder } = this.#options;
    if ((await keptVersion(folder)) === this.#version) return false;
    return await withFolder(folder, async () => {
      const kept = await readKept(folder);
      if (kept === undefined || (await keptVersion(folder)) === this.#version) return false;
      return await this.takeUp(kept);
    });
  }

  async renew(): Promise<boolean> {
    const { folder, now } = this.#options;
    const [issuer] = this.#kept.issuers;
    if (issuer === undefined || !isOld(issuer, now())) return false;
    return await withFolder(folder, async () => {
      const kept = (await readKept(folder)) ?? this.#kept;
      const [current] = kept.issuers;
      const root = current && rootOf(kept, current);
      if (current === undefined || root === undefined || root.key === null || !isOld(current, now()))
        return false;
      // Under a root that ends soon too, another one would end no later.
      if (root.details.notAfter <= current.details.notAfter) return false;
      const next = withIssuer(kept, await newIssuer(this.#options, root), now());
      await writeKept(folder, next);
      return await this.takeUp(next);
    });
  }

  standing(): Standing {
    const [issuer] = this.#kept.issuers;
    const [root] = trustedRoots(this.#kept);
    if (issuer === undefined || root === undefined) throw new Error('the authority is not open');
    const { fingerprint, commonName, notAfter } = root.details;
    return {
      issuer: issuer.details,
      root: { fingerprint, commonName, notAfter, isOnline: root.key !== null },
      distrusted: [
        ...this.#kept.retired,
        ...this.#kept.issuers
          .filter(({ distrusted }) => distrusted !== null)
          .map(({ details }) => details.fingerprint),
      ],
    };
  }

  /** A key and certificate of the cloud's own, out of the folder; one after the other. */
  #own(name: 'server' | 'voucher', wanted: Wanted) {
    const opened = this.#owning.then(() => this.#openOwn(name, wanted));
    this.#owning = opened.catch(() => undefined);
    return opened;
  }

  async #openOwn(name: 'server' | 'voucher', wanted: Wanted) {
    const { folder, keys, now, log } = this.#options;
    const { commonName, profile, fits } = wanted;
    const [issuer] = this.#kept.issuers as [Issuing];
    const identity = await openIdentity({
      ...{ path: join(folder, keptFiles[name]), keys, commonName, issuer, now: now(), fits },
      issue: async (subject) => (await this.#issue(profile, subject, lifetimes[name], log)).certificatePem,
    });
    const chainPem = [identity.certificatePem, ...chainBelow(this.#kept, issuer).map(({ pem }) => pem)].join(
      '',
    );
    return { ...identity, chainPem };
  }

  async #issue(
    profile: Profile,
    subject: Subject,
    life: number,
    tell: AuthorityOptions['log'],
  ): Promise<Issuance> {
    const [above] = this.#kept.issuers as [Issuing];
    const issuer = this.#issuer as Issuer;
    mustNotHaveEnded(above, this.#options.now());
    const ends = terms(this.#options, life, above.details.notAfter);
    const pem = issueCertificate({ ...ends, ...profile, issuer, subject });
    const issuance = holderIssuance(profile.profile, pem, chainBelow(this.#kept, above));
    await tell(issuance);
    return issuance;
  }
}

/** The same with another issuer: the key of the one it replaces is destroyed, its certificate believed on. */
export function withIssuer(kept: Kept, issuer: Issuing, now: number): Kept {
  const replaced = kept.issuers.map((each) => ({ ...each, key: null }));
  const needed = replaced.filter(({ details }) => details.notAfter + lifetimes.remembered > now);
  return { ...kept, issuers: [issuer, ...needed] };
}

/** All that decides who is believed and what is shown: equal where nothing of it has changed. */
function inForce(kept: Kept): string {
  const distrusted = kept.issuers.filter((issuer) => issuer.distrusted !== null);
  return [
    clientTrust(kept),
    ...caCertificates(kept),
    ...distrusted.map(({ pem }) => pem),
    ...kept.retired,
  ].join();
}

function withAllLogged(kept: Kept): Kept {
  const logged = <T>(entry: T) => ({ ...entry, logged: true });
  const { roots, crosses, issuers } = kept;
  return { ...kept, roots: roots.map(logged), crosses: crosses.map(logged), issuers: issuers.map(logged) };
}

/** Whether less than a third of its life is left. */
function isOld({ details: { notBefore, notAfter } }: Certificate, now: number): boolean {
  return notAfter - now < (notAfter - notBefore) / 3;
}

/**
 * Checks that a PKCS#10 request (PEM or DER) is sound and asks for exactly `gatewayId`; its subject. Throws
 * IdentityError `request-malformed`. For checking before a one-time secret is spent on it, too.
 */
export function checkGatewayRequest(request: string | Uint8Array, gatewayId: string): Subject {
  const subject = readSigningRequest(request);
  if (subject.commonName !== gatewayId) {
    throw new IdentityError(
      'request-malformed',
      `the certificate request is for '${subject.commonName}', and the gateway that sent it is '${gatewayId}'`,
    );
  }
  return subject;
}
