import { createSigningRequest, issueCertificate, type Signer, softwareSigner } from '@loadline/sdk/identity';
import { openPrivateKey } from '../keys/index.ts';
import { withIssuer } from './authority.ts';
import {
  type Certificate,
  isRoot,
  isSameAuthority,
  readCertificate,
  readCertificates,
} from './certificates.ts';
import { AuthorityError } from './errors.ts';
import { isFromBefore, newIssuer, openFolder, publishRoot, withFolder } from './folder.ts';
import { rootOf } from './hierarchy.ts';
import { type Installation, planInstallation, shutOut } from './installation.ts';
import { lifetimes, type Making, makeSealedKey, mustNotHaveEnded, signerOf, terms } from './issuing.ts';
import { type Issuing, type Kept, nothing, type Root, readKept, writeKept } from './kept.ts';

/**
 * What a person does with an authority's folder. Each is one change of one file, done while no other process does anything
 * with it: a cloud at work takes it up within seconds, and one that is cut short has done all of it or nothing.
 */

/** What a ceremony works on. */
export interface Ceremony extends Making {
  readonly folder: string;
}

/** What the folder holds; nothing where it was never opened. */
export async function heldBy(folder: string): Promise<Kept> {
  return (await readKept(folder)) ?? nothing;
}

/** A request for an issuing certificate (PKCS#10, PEM), and the name and key in it. */
export interface WaitingRequest {
  readonly requestPem: string;
  readonly publicKeyPem: string;
  readonly isNew: boolean;
}

/** Makes a key for a new issuing certificate, and a request for it; the one that waits already is given again. */
export async function makeRequest(ceremony: Ceremony): Promise<WaitingRequest> {
  return await change<WaitingRequest>(ceremony, async (kept) => {
    if (kept.request !== null) {
      const { publicKeyPem } = await requestSigner(ceremony, kept.request);
      return [kept, { requestPem: kept.request.request, publicKeyPem, isNew: false }];
    }
    const { subject, signer, key } = await makeSealedKey(ceremony);
    const requestPem = createSigningRequest({ commonName: subject.commonName, signer });
    const request = { key, request: requestPem, publicKeyPem: subject.publicKeyPem, made: ceremony.now() };
    return [
      { ...kept, request },
      { requestPem, publicKeyPem: subject.publicKeyPem, isNew: true },
    ];
  });
}

/** Takes the request back that waits, and destroys its key. @returns whether there was one */
export async function withdrawRequest(ceremony: Ceremony): Promise<boolean> {
  return await change(ceremony, async (kept) => [{ ...kept, request: null }, kept.request !== null]);
}

/**
 * Installs certificates (PEM): see `planInstallation`. From then on the new one issues; what is issued already stays good.
 *
 * @param agree is shown what would be changed, and says whether to go on: called before anything is written
 * @param overlap `demanded`: refused where gateways that know only an older root would be shut out
 * @throws AuthorityError `installation-refused`
 */
export async function install(
  ceremony: Ceremony,
  text: string,
  {
    agree,
    overlap,
  }: {
    readonly agree: (installation: Installation) => Promise<void>;
    readonly overlap: 'demanded' | 'given-up';
  },
): Promise<Installation> {
  const plan = async (kept: Kept) => {
    const signer = kept.request === null ? undefined : await requestSigner(ceremony, kept.request);
    const installation = planInstallation(kept, text, { request: signer, now: ceremony.now() });
    const losers = signer === undefined ? [] : shutOut(kept, installation, signer, ceremony.now());
    if (overlap === 'demanded' && losers.length > 0) throw withoutOverlap(losers);
    return installation;
  };
  // Asked without holding the folder: a person takes his time, and a cloud may be at work on it.
  await agree(await plan(await heldBy(ceremony.folder)));
  return await change(ceremony, async (kept) => {
    const installation = await plan(kept);
    return [installation.next, installation];
  });
}

/** Replaces the issuing certificate at once, where the root is here. */
export async function replaceIssuer(ceremony: Ceremony): Promise<Certificate> {
  return await change(ceremony, async (kept) => {
    const root = onlineRoot(kept);
    const issuer = await newIssuer(ceremony, root);
    return [withIssuer(kept, issuer, ceremony.now()), issuer];
  });
}

/**
 * Certifies the key of another root by the root that is here (RFC 4210, section 4.4: NewWithOld), so that who knows only
 * this one can believe that one. @returns PEM
 */
export async function crossSign(ceremony: Ceremony, text: string): Promise<Certificate> {
  const kept = await heldBy(ceremony.folder);
  const signing = onlineRoot(kept);
  const [other, ...rest] = readCertificates(text).filter(isRoot);
  if (other === undefined || rest.length > 0) {
    throw new AuthorityError('installation-refused', 'not signed: the file must hold one root, in PEM');
  }
  if (isSameAuthority(other, signing)) {
    throw new AuthorityError('installation-refused', 'not signed: that is the root of this cloud itself');
  }
  mustNotHaveEnded(other, ceremony.now());
  const issuer = { certificatePem: signing.pem, signer: await signerOf(ceremony.keys, signing) };
  const until = Math.min(other.details.notAfter, signing.details.notAfter);
  const { commonName, publicKeyPem } = other.details;
  return readCertificate(
    issueCertificate({
      ...terms(ceremony, lifetimes.root, until),
      ...{ profile: 'authority', issuer, subject: { commonName, publicKeyPem } },
    }),
  );
}

/** Destroys the key of the root that is here: from then on only what `loadline ca` signs can be installed. */
export async function forgetRootKey(ceremony: Ceremony, fingerprint: string): Promise<Certificate> {
  return await change(ceremony, async (kept) => {
    const root = kept.roots.find(({ details }) => details.fingerprint === fingerprint);
    if (root === undefined) throw unknown('root', fingerprint);
    if (root.key === null) throw offline();
    const [issuer] = kept.issuers;
    if (issuer !== undefined && rootOf(kept, issuer)?.pem === root.pem) {
      throw new AuthorityError(
        'installation-refused',
        `not destroyed: this cloud still issues under '${root.details.commonName}', and nobody could ever replace its issuing ` +
          'certificate; install one of an offline root first',
      );
    }
    return [
      { ...kept, roots: kept.roots.map((each) => (each === root ? { ...each, key: null } : each)) },
      root,
    ];
  });
}

/**
 * Trusts a root no more: a cloud at work revokes all that was issued under it, and no way to it is shown any more.
 *
 * @param fingerprint SHA-256 of its certificate
 */
export async function retireRoot(ceremony: Ceremony, fingerprint: string): Promise<Certificate> {
  return await change(ceremony, async (kept) => {
    const root = kept.roots.find(({ details }) => details.fingerprint === fingerprint);
    if (root === undefined) throw unknown('root', fingerprint);
    const [current] = kept.issuers;
    if (current !== undefined && rootOf(kept, current) === root) {
      throw new AuthorityError(
        'installation-refused',
        'not retired: this cloud issues under it; install an issuing certificate of another root first',
      );
    }
    const roots = kept.roots.filter((each) => each !== root);
    const left = { ...kept, roots };
    return [
      {
        ...left,
        // Neither ways from it, nor ways to it: by one of those it would be trusted on.
        crosses: kept.crosses.filter((cross) => rootOf(left, cross) && !isSameAuthority(cross, root)),
        issuers: kept.issuers.map((issuer) =>
          rootOf(left, issuer) ? issuer : { ...issuer, distrusted: issuer.distrusted ?? ceremony.now() },
        ),
        retired: [...kept.retired, fingerprint],
      },
      root,
    ];
  });
}

/** Believes an issuing certificate no more: a cloud at work revokes all that it has issued. */
export async function distrustIssuer(ceremony: Ceremony, fingerprint: string): Promise<Certificate> {
  return await change(ceremony, async (kept) => {
    const issuer = kept.issuers.find(({ details }) => details.fingerprint === fingerprint);
    if (issuer === undefined) throw unknown('issuing certificate', fingerprint);
    if (issuer === kept.issuers[0]) {
      throw new AuthorityError(
        'installation-refused',
        "not done: it is the one that issues now, and the cloud's own certificate is of it; replace it first (renew, or request " +
          'and install)',
      );
    }
    const distrusted = ceremony.now();
    return [
      { ...kept, issuers: kept.issuers.map((each) => (each === issuer ? { ...each, distrusted } : each)) },
      issuer,
    ];
  });
}

/** One change of the folder. */
async function change<T>(
  ceremony: Ceremony,
  work: (kept: Kept) => Promise<[next: Kept, result: T]>,
): Promise<T> {
  const { folder } = ceremony;
  return await withFolder(folder, async () => {
    // What is there from before keys were sealed is taken over first.
    const kept = isFromBefore(folder) ? await openFolder(folder, ceremony) : await heldBy(folder);
    const [next, result] = await work(kept);
    if (next !== kept) {
      await writeKept(folder, next);
      await publishRoot(folder, next);
    }
    return result;
  });
}

async function requestSigner(
  { keys }: Ceremony,
  { key, publicKeyPem }: NonNullable<Kept['request']>,
): Promise<Signer> {
  return softwareSigner(await openPrivateKey(keys, publicKeyPem, key));
}

function onlineRoot(kept: Kept): Root {
  const [issuer] = kept.issuers as [Issuing?];
  const root = issuer && rootOf(kept, issuer);
  if (root === undefined || root.key === null) throw offline();
  return root;
}

function offline(): AuthorityError {
  return new AuthorityError(
    'authority-offline',
    "the key of the root is not here: that is for 'loadline ca' on the machine that has it; see docs/identity.md, Ceremonies",
  );
}

function unknown(what: string, fingerprint: string): AuthorityError {
  return new AuthorityError(
    'installation-refused',
    `there is no ${what} of the fingerprint ${fingerprint}: 'loadline-cloud authority show' lists them`,
  );
}

function withoutOverlap(losers: readonly string[]): AuthorityError {
  return new AuthorityError(
    'installation-refused',
    `not installed: these could not connect any more: ${losers.join('; ')}. Have the old root certify the key of the new one ` +
      "('loadline ca cross-sign' or 'loadline-cloud authority cross-sign'), and install that with it; or give them up with --no-overlap",
  );
}
