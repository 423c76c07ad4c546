/**
 * One content, signed by one holder of a certificate: CMS SignedData (RFC 5652, section 5) as RFC 8366 has vouchers.
 *
 *     ContentInfo
 *       contentType     1.2.840.113549.1.7.2 (signedData)
 *       content [0]     SignedData
 *         version           3
 *         digestAlgorithms  SET { SHA-256 }
 *         encapContentInfo  content type, [0] OCTET STRING the content
 *         certificates [0]  the signer's, and those between it and a trusted authority
 *         signerInfos       SET of one
 *           version             1
 *           sid                 issuer and serial number of the signer's certificate
 *           digestAlgorithm     SHA-256
 *           signedAttrs [0]     content-type, message-digest, signing-time, sorted as DER sorts a SET
 *           signatureAlgorithm  rsaEncryption (what CMS calls RSASSA-PKCS1-v1_5; RFC 5754, section 3.2)
 *           signature           over signedAttrs, its tag that of a SET (section 5.4)
 *
 * Only this is read: one signer, no CRLs, no attribute that is not signed. node-forge has the structures; it cannot
 * verify SignedData, and signs in JavaScript, so both are `node:crypto`'s.
 */
import { createHash, verify, X509Certificate } from 'node:crypto';
import { IdentityError } from './errors.ts';
import { forge, fromDer, toBinary, toDer } from './forge.ts';
import { rsaFault, type Signer } from './keys.ts';

type Asn1 = forge.asn1.Asn1;
const { asn1 } = forge;
const { Class, Type } = asn1;

const oids = {
  signedData: '1.2.840.113549.1.7.2',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingTime: '1.2.840.113549.1.9.5',
  sha256: '2.16.840.1.101.3.4.2.1',
  rsa: '1.2.840.113549.1.1.1',
} as const;

/** AlgorithmIdentifiers in DER, in hex: SHA-256 with and without a NULL (RFC 5754, section 2), RSA always with one. */
const sha256s = ['300b0609608648016503040201', '300d06096086480165030402010500'];
const signatures = [
  '300d06092a864886f70d0101010500', // rsaEncryption
  '300d06092a864886f70d01010b0500', // sha256WithRSAEncryption
];

export interface SignedContent {
  readonly content: Uint8Array;
  /** DER, the signer's own first. Whether it is to be believed has not been asked. */
  readonly certificates: readonly Uint8Array[];
}

/**
 * `content` of the type `contentType` (dotted), signed at `signingTime` (milliseconds since 1970), as DER.
 *
 * @param certificates PEM, the signer's own first. Throws `certificate-malformed` where it is not the signer's.
 */
export function signContent(options: {
  readonly contentType: string;
  readonly content: Uint8Array;
  readonly signingTime: number;
  readonly signer: Signer;
  readonly certificates: readonly string[];
}): Uint8Array {
  const { contentType, content, signingTime, signer, certificates } = options;
  const shown = certificates.map((pem) => new X509Certificate(pem));
  const own = shown[0];
  if (own?.publicKey.export({ type: 'spki', format: 'pem' }) !== signer.publicKeyPem) {
    throw new IdentityError('certificate-malformed', 'the first certificate is not that of the signer');
  }
  const attributes = [
    attribute(oids.contentType, oid(contentType)),
    attribute(oids.messageDigest, octets(digest(content))),
    attribute(oids.signingTime, time(signingTime)),
  ].sort((one, other) => Buffer.compare(toDer(one), toDer(other)));
  const signature = signer.sign(toDer(set(attributes)));
  const { issuer, serial } = certificateNames(fromDer(own.raw));
  const signerInfo = sequence([
    integer(1),
    sequence([issuer, serial]),
    algorithm(oids.sha256),
    tagged(0, attributes),
    sequence([oid(oids.rsa), asn1.create(Class.UNIVERSAL, Type.NULL, false, '')]),
    octets(signature),
  ]);
  const ordered = shown.map(({ raw }) => raw).sort(Buffer.compare);
  const signedData = sequence([
    integer(3),
    set([algorithm(oids.sha256)]),
    sequence([oid(contentType), tagged(0, [octets(content)])]),
    tagged(0, ordered.map(fromDer)),
    set([signerInfo]),
  ]);
  return toDer(sequence([oid(oids.signedData), tagged(0, [signedData])]));
}

/**
 * The content of `der`, whose signature verifies with the key of the first of the certificates that are given back.
 * Throws Error that says what is wrong, in words that go after "it"; forge's own where it is not even DER.
 */
export function readSignedContent(der: Uint8Array, contentType: string): SignedContent {
  const [type, wrapped] = parts(fromDer(der), 'ContentInfo', [Type.OID, explicit(0)]);
  if (oidOf(type) !== oids.signedData) throw new Error('is no SignedData');
  const [version, digests, encapsulated, shown, signers] = parts(only(wrapped), 'SignedData', [
    Type.INTEGER,
    Type.SET,
    Type.SEQUENCE,
    explicit(0),
    Type.SET,
  ]);
  if (numberOf(version) !== 3) throw new Error('is of another version than 3');
  if (!sha256s.includes(hex(only(digests)))) throw new Error('is digested otherwise than by SHA-256');

  const [innerType, inner] = parts(encapsulated, 'EncapsulatedContentInfo', [Type.OID, explicit(0)]);
  if (oidOf(innerType) !== contentType) throw new Error(`holds ${oidOf(innerType)}, not ${contentType}`);
  const content = octetsOf(only(inner));

  const [signer, ...otherSigners] = children(signers);
  if (signer === undefined || otherSigners.length > 0) {
    throw new Error(`has ${children(signers).length} signers, and must have one`);
  }
  const info = parts(signer, 'SignerInfo', [
    Type.INTEGER,
    Type.SEQUENCE,
    Type.SEQUENCE,
    explicit(0),
    Type.SEQUENCE,
    Type.OCTETSTRING,
  ]);
  const [infoVersion, sid, digestAlgorithm, attributes, signatureAlgorithm, signature] = info;
  if (numberOf(infoVersion) !== 1) throw new Error('names its signer otherwise than by issuer and number');
  if (!sha256s.includes(hex(digestAlgorithm))) throw new Error('is digested otherwise than by SHA-256');
  if (!signatures.includes(hex(signatureAlgorithm))) throw new Error('is signed otherwise than by RSA');
  checkAttributes(children(attributes), contentType, content);

  const certificates = bySigner(children(shown), sid);
  const { publicKey } = new X509Certificate(certificates[0] as Uint8Array);
  const fault = rsaFault(publicKey);
  if (fault !== undefined) throw new Error(`is signed by a key that is refused: ${fault}`);
  // The bytes that were signed begin with the tag of a SET, not with that of the field (RFC 5652, section 5.4).
  const signed = toDer(set(children(attributes)));
  if (!verify('sha256', signed, publicKey, octetsOf(signature))) {
    throw new Error('has a signature that does not verify: it was altered, or signed by another key');
  }
  return { content, certificates };
}

/** Each of the three once, each with one value, and in the order in which DER has them. */
function checkAttributes(attributes: readonly Asn1[], contentType: string, content: Uint8Array): void {
  const values = new Map<string, Asn1>();
  for (const each of attributes) {
    const [type, held] = parts(each, 'Attribute', [Type.OID, Type.SET]);
    if (values.has(oidOf(type))) throw new Error(`has the signed attribute ${oidOf(type)} twice`);
    values.set(oidOf(type), only(held));
  }
  const encoded = attributes.map(toDer);
  if (
    encoded.some((each, index) => index > 0 && Buffer.compare(encoded[index - 1] as Uint8Array, each) >= 0)
  ) {
    throw new Error('has its signed attributes in another order than DER');
  }
  const wanted = (name: string, type: string, tags: readonly number[]): Asn1 => {
    const value = values.get(type);
    if (value === undefined) throw new Error(`lacks the signed attribute ${name}`);
    if (value.tagClass !== Class.UNIVERSAL || !tags.includes(value.type)) {
      throw new Error(`has a signed attribute ${name} of another form`);
    }
    return value;
  };
  if (oidOf(wanted('content-type', oids.contentType, [Type.OID])) !== contentType) {
    throw new Error('is signed as another type of content');
  }
  const said = octetsOf(wanted('message-digest', oids.messageDigest, [Type.OCTETSTRING]));
  if (Buffer.compare(said, digest(content)) !== 0) throw new Error('holds another content than was signed');
  // What it says is not judged: the content has its own times, and the signer's chain is judged now.
  wanted('signing-time', oids.signingTime, [Type.UTCTIME, Type.GENERALIZEDTIME]);
}

/** The certificates in DER, first the one whose issuer and serial number `sid` gives. */
function bySigner(certificates: readonly Asn1[], sid: Asn1): Uint8Array[] {
  const named = (certificate: Asn1): boolean => {
    const { issuer, serial } = certificateNames(certificate);
    return hex(sequence([issuer, serial])) === hex(sid);
  };
  const own = certificates.filter(named);
  if (own.length !== 1) throw new Error(`comes with ${own.length} certificates of its signer`);
  return [...own, ...certificates.filter((certificate) => !named(certificate))].map(toDer);
}

/** Certificate ::= SEQUENCE { tbsCertificate SEQUENCE { [0] version, serial, algorithm, issuer, … }, … } (RFC 5280, 4.1). */
function certificateNames(certificate: Asn1): { issuer: Asn1; serial: Asn1 } {
  const fields = children(children(certificate)[0]);
  const at = fields[0]?.tagClass === Class.CONTEXT_SPECIFIC ? 1 : 0;
  const [serial, , issuer] = fields.slice(at);
  if (serial === undefined || issuer === undefined) throw new Error('holds something else than certificates');
  return { issuer, serial };
}

/** The tag of a constructed field, told apart from the universal ones by its sign. */
function explicit(tag: number): number {
  return -1 - tag;
}

/** The elements of a SEQUENCE, which must be of exactly these tags. */
function parts<const Tags extends readonly number[]>(
  structure: Asn1,
  name: string,
  tags: Tags,
): { [Index in keyof Tags]: Asn1 } {
  const found = children(structure);
  const fits =
    is(structure, Type.SEQUENCE) &&
    found.length === tags.length &&
    found.every((each, index) => is(each, tags[index] as number));
  if (!fits) throw new Error(`is not of the form this reads (${name})`);
  return found as { [Index in keyof Tags]: Asn1 };
}

function is(structure: Asn1, tag: number): boolean {
  return tag < 0
    ? structure.tagClass === Class.CONTEXT_SPECIFIC && structure.type === -1 - tag && structure.constructed
    : structure.tagClass === Class.UNIVERSAL && structure.type === tag;
}

function children(structure: Asn1 | undefined): Asn1[] {
  if (structure === undefined || !structure.constructed || !Array.isArray(structure.value)) return [];
  return structure.value;
}

function only(structure: Asn1): Asn1 {
  const [first, ...others] = children(structure);
  if (first === undefined || others.length > 0) throw new Error('has none or several where one must be');
  return first;
}

function oidOf(structure: Asn1): string {
  return asn1.derToOid(structure.value as string);
}

function octetsOf(structure: Asn1): Uint8Array {
  if (!is(structure, Type.OCTETSTRING) || typeof structure.value !== 'string') {
    throw new Error('has no octets where they must be');
  }
  return Buffer.from(structure.value, 'latin1');
}

function numberOf(structure: Asn1): number {
  return asn1.derToInteger(structure.value as string);
}

function hex(structure: Asn1): string {
  return Buffer.from(toDer(structure)).toString('hex');
}

function digest(content: Uint8Array): Uint8Array {
  return createHash('sha256').update(content).digest();
}

function sequence(value: Asn1[]): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, value);
}

function set(value: Asn1[]): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.SET, true, value);
}

function tagged(tag: number, value: Asn1[]): Asn1 {
  return asn1.create(Class.CONTEXT_SPECIFIC, tag as forge.asn1.Type, true, value);
}

function oid(dotted: string): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.OID, false, asn1.oidToDer(dotted).getBytes());
}

function octets(bytes: Uint8Array): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.OCTETSTRING, false, toBinary(bytes));
}

function integer(value: number): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.INTEGER, false, asn1.integerToDer(value).getBytes());
}

function algorithm(dotted: string): Asn1 {
  return sequence([oid(dotted)]);
}

function attribute(type: string, value: Asn1): Asn1 {
  return sequence([oid(type), set([value])]);
}

/** UTCTime until 2049, GeneralizedTime after (RFC 5652, section 11.3). */
function time(milliseconds: number): Asn1 {
  const date = new Date(milliseconds);
  return date.getUTCFullYear() < 2050
    ? asn1.create(Class.UNIVERSAL, Type.UTCTIME, false, asn1.dateToUtcTime(date))
    : asn1.create(Class.UNIVERSAL, Type.GENERALIZEDTIME, false, asn1.dateToGeneralizedTime(date) as never);
}
