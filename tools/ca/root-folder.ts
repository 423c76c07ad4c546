import { randomBytes, X509Certificate } from 'node:crypto';
import { appendFile, open } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type CertificateDetails,
  certificateDetails,
  createAuthority,
  generateKeyPair,
  type Issuer,
  issueCertificate,
  type Subject,
  softwareSigner,
} from '@loadline/sdk/identity';
import {
  lockFolder,
  makePrivateFolder,
  readIfThere,
  type Secret,
  syncFolder,
  writeWhole,
} from '@loadline/sdk/platform';
import { CalledWrongly } from '../cloud/outcome.ts';
import { closeRootKey, openRootKey } from './root-key.ts';

const day = 24 * 3_600_000;

/** Certificates begin so long before they are made: two machines' clocks never agree, and one has no network to set it by. */
const backdated = day;

/** The names in the folder of a root. */
export const rootFiles = { key: 'root.key.jwe', certificate: 'root.pem', log: 'issued.jsonl' } as const;

/** A certificate and what it says. */
export interface Made {
  readonly pem: string;
  readonly details: CertificateDetails;
}

/** Makes a root: its key, closed with the passphrase, then its certificate. What was cut short before that is begun anew. */
export async function makeRoot(
  folder: string,
  { name, years, passphrase, now }: { name: string; years: number; passphrase: Secret; now: number },
): Promise<Made> {
  return await withFolder(folder, async () => {
    if ((await readIfThere(join(folder, rootFiles.certificate))) !== undefined) {
      throw new CalledWrongly(`${folder} holds a root already: name another folder`);
    }
    const { privateKeyPem, publicKeyPem } = await generateKeyPair(4096);
    const keyPath = join(folder, rootFiles.key);
    await writeWhole(keyPath, await closeRootKey(privateKeyPem, publicKeyPem, passphrase), 0o600);
    // Opened from the disk, as it will be in years: what does not open now has signed nothing yet.
    const signer = softwareSigner(await openRootKey((await readIfThere(keyPath)) ?? '', keyPath, passphrase));
    const pem = createAuthority({
      ...{ commonName: name, signer, serial: randomBytes(16) },
      ...{ notBefore: now - backdated, notAfter: now + years * 365 * day },
    });
    const made = { pem, details: certificateDetails(pem) };
    await note(folder, 'init', made, now);
    await writeWhole(join(folder, rootFiles.certificate), pem, 0o644);
    return made;
  });
}

/** The certificate of the root in a folder. */
export async function readRoot(folder: string): Promise<Made> {
  const path = join(folder, rootFiles.certificate);
  const pem = await readIfThere(path);
  if (pem === undefined) {
    throw new CalledWrongly(
      `${folder} holds no root: 'loadline ca init --offline --folder ${folder}' makes one`,
    );
  }
  return { pem, details: certificateDetails(pem) };
}

/** Opens the key of the root in a folder. */
export async function openRoot(folder: string, passphrase: Secret): Promise<Issuer> {
  const root = await readRoot(folder);
  const path = join(folder, rootFiles.key);
  const closed = await readIfThere(path);
  if (closed === undefined) throw new CalledWrongly(`${path} is missing: fetch it from where it is kept`);
  const signer = softwareSigner(await openRootKey(closed, path, passphrase));
  if (signer.publicKeyPem !== root.details.publicKeyPem) {
    throw new CalledWrongly(`${path} is not the key of ${join(folder, rootFiles.certificate)}`);
  }
  return { certificatePem: root.pem, signer };
}

/** Signs an authority's certificate; it stands in the log of the folder before anybody has it. */
export async function signAuthority(
  folder: string,
  issuer: Issuer,
  order: {
    readonly what: 'sign' | 'cross-sign';
    readonly subject: Subject;
    /** See `Profile`: left out, it may have authorities under it. */
    readonly pathLength?: number;
    /** ms since 1970; never beyond the end of the root. */
    readonly notAfter: number;
    readonly now: number;
  },
): Promise<Made> {
  const { what, subject, pathLength, notAfter, now } = order;
  const end = certificateDetails(issuer.certificatePem).notAfter;
  const pem = issueCertificate({
    ...{ profile: 'authority', subject, issuer, serial: randomBytes(16) },
    ...(pathLength !== undefined && { pathLength }),
    ...{ notBefore: now - backdated, notAfter: Math.min(notAfter, end) },
  });
  const made = { pem, details: certificateDetails(pem) };
  await withFolder(folder, () => note(folder, what, made, now));
  return made;
}

/** The roots in a text: what vouches for itself. */
export function rootsIn(text: string): Made[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks
    .map((block) => new X509Certificate(block))
    .filter((each) => each.ca && each.checkIssued(each) && each.verify(each.publicKey))
    .map((each) => ({ pem: each.toString(), details: certificateDetails(each.raw) }));
}

async function withFolder<T>(folder: string, work: () => Promise<T>): Promise<T> {
  await makePrivateFolder(folder);
  const leave = await lockFolder(folder);
  try {
    return await work();
  } finally {
    await leave();
  }
}

/** A line of the log, on disk before the certificate is anywhere else. */
async function note(folder: string, what: string, { details }: Made, now: number): Promise<void> {
  const { commonName, serial, fingerprint, notBefore, notAfter } = details;
  const at = new Date(now).toISOString();
  const times = { from: new Date(notBefore).toISOString(), until: new Date(notAfter).toISOString() };
  const path = join(folder, rootFiles.log);
  await appendFile(
    path,
    `${JSON.stringify({ at, what, name: commonName, serial, fingerprint, ...times })}\n`,
    {
      mode: 0o600,
    },
  );
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
  await syncFolder(folder);
}
