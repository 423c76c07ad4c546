import { createPublicKey, type X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import type { Reply } from '@loadline/sdk/provisioning';
import { IdentityFiles } from '../identity/index.ts';
import { names, sha256 } from './site-files.ts';
import type { SiteStore } from './store.ts';
import { certificatesIn, fingerprintOf } from './voucher.ts';

/** What is in force as it stands on the disk, renewed certificates and all. */
export interface Present {
  /** PEM. It goes nowhere: signatures do. */
  readonly privateKeyPem: string;
  /** Undefined while it is to enrol by itself. */
  readonly certificate: X509Certificate | undefined;
  readonly inForce: NonNullable<Reply<'describe'>['inForce']>;
}

/** Undefined where nothing is in force. */
export async function said(store: SiteStore): Promise<Present | undefined> {
  const { inForce, currentFolder } = store;
  if (inForce === undefined || currentFolder === undefined) return undefined;
  const found = await new IdentityFiles(join(currentFolder, names.state), inForce.gatewayId).find();
  const { identity } = found.kind === 'identity' ? found : {};
  const privateKeyPem = identity?.privateKeyPem ?? (await store.read(currentFolder, names.key));
  if (privateKeyPem === undefined) return undefined;
  const authority = (await store.read(currentFolder, names.authority)) ?? '';
  return {
    privateKeyPem,
    certificate: identity && certificatesIn(identity.chainPem)[0],
    inForce: {
      publicKey: createPublicKey(privateKeyPem).export({ type: 'spki', format: 'pem' }).toString(),
      authority: certificatesIn(authority).map(fingerprintOf),
      ownershipCounter: inForce.ownershipCounter,
      voucher: inForce.voucher,
      site: inForce.digest,
    },
  };
}

export function stateOf(present: Present | undefined): Reply<'describe'>['state'] {
  if (present === undefined) return 'unprovisioned';
  return present.certificate === undefined ? 'staged' : 'provisioned';
}

/** SHA-256 of a public key, SPKI in DER, hex. @param pem of it, or of its private half */
export function publicKeyDigest(pem: string): string {
  return sha256(createPublicKey(pem).export({ type: 'spki', format: 'der' }));
}
