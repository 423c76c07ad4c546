import { createHash } from 'node:crypto';
import { forge, fromDer, toBinary, toDer } from './forge.ts';
import {
  generateKeyPair,
  type Issuer,
  issueCertificate,
  type Profile,
  softwareSigner,
  type Voucher,
} from './index.ts';
import { terms } from './test-fleet.ts';

/** For tests: a new key with a certificate of `issuer`, that signs. */
export async function makeIssuer(
  issuer: Issuer,
  commonName: string,
  profile: Profile,
  times: Partial<ReturnType<typeof terms>> = {},
): Promise<Issuer> {
  const { privateKeyPem, publicKeyPem } = await generateKeyPair();
  const subject = { commonName, publicKeyPem };
  const certificatePem = issueCertificate({ ...terms(), ...times, ...profile, issuer, subject });
  return { certificatePem, signer: softwareSigner(privateKeyPem) };
}

/** For tests: a voucher with a nonce. */
export function aVoucher(pinned: Issuer, changes: Partial<Voucher> = {}): Voucher {
  return {
    serialNumber: '10000000a1b2c3d4',
    createdOn: Date.UTC(2026, 10, 22, 12),
    assertion: 'logged',
    nonce: '00112233445566778899aabbccddeeff',
    ownershipCounter: 3,
    organisation: 'acme',
    pinnedAuthorityPem: pinned.certificatePem,
    ...changes,
  };
}

type Asn1 = forge.asn1.Asn1;

/** For tests: the places of a SignedData that a hostile hand would reach for. */
export interface Pieces {
  readonly contentInfo: Asn1;
  readonly signedData: Asn1[];
  /** SET of digest algorithms, holder of the content, its type, certificates, signers, the signer and its parts. */
  readonly encapsulated: Asn1[];
  readonly octets: Asn1;
  readonly certificates: Asn1[];
  readonly signers: Asn1[];
  readonly signer: Asn1[];
  readonly attributes: Asn1[];
}

/** For tests: `base64` changed by `change`; where there is an `issuer`, its signature is made anew after that. */
export function tampered(base64: string, change: (pieces: Pieces) => void, issuer?: Issuer): string {
  const contentInfo = fromDer(Buffer.from(base64, 'base64'));
  const signedData = held(held(held(contentInfo)[1])[0]);
  const encapsulated = held(signedData[2]);
  const signers = held(signedData[4]);
  const signer = held(signers[0]);
  const attributes = held(signer[3]);
  const octets = held(encapsulated[1])[0] as Asn1;
  const certificates = held(signedData[3]);
  change({ contentInfo, signedData, encapsulated, octets, certificates, signers, signer, attributes });
  if (issuer !== undefined) {
    const { Class, Type } = forge.asn1;
    const set = forge.asn1.create(Class.UNIVERSAL, Type.SET, true, attributes);
    (signer[5] as Asn1).value = toBinary(issuer.signer.sign(toDer(set)));
  }
  return Buffer.from(toDer(contentInfo)).toString('base64');
}

/** For tests: what is inside a constructed element, to be changed in place. */
export function held(structure: Asn1 | undefined): Asn1[] {
  if (!Array.isArray(structure?.value)) throw new Error('nothing is inside');
  return structure.value;
}

/** For tests: another content, and the digest that goes with it. */
export function withContent(pieces: Pieces, json: string): void {
  pieces.octets.value = toBinary(Buffer.from(json));
  const digest = pieces.attributes.find((each) => named(each, '1.2.840.113549.1.9.4'));
  (held(held(digest)[1])[0] as Asn1).value = toBinary(createHash('sha256').update(json).digest());
}

/** For tests: whether an attribute is of this type. */
export function named(attribute: Asn1, type: string): boolean {
  return forge.asn1.derToOid(held(attribute)[0]?.value as string) === type;
}
