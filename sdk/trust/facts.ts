import { dotted, type Element, elements, inside, tags } from './der.ts';

/** Object identifiers of RFC 5280, section 4.2. */
export const oids = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  certificatePolicies: '2.5.29.32',
  authorityKeyIdentifier: '2.5.29.35',
  extKeyUsage: '2.5.29.37',
} as const;

/** Extended key usages. */
export const usages = {
  any: '2.5.29.37.0',
  server: '1.3.6.1.5.5.7.3.1',
  client: '1.3.6.1.5.5.7.3.2',
  /**
   * id-kp-trustAnchorConfigSigning (RFC 9809): signs what tells a machine which authority to trust. A voucher is that;
   * RFC 8366 names no usage of its own.
   */
  voucher: '1.3.6.1.5.5.7.3.42',
} as const;

/** What a certificate says of itself, as far as a judge of chains must know. */
export interface Facts {
  /** Object identifier of how it was signed; the same inside what is signed and outside. */
  readonly signatureAlgorithm: string;
  /** Object identifiers of extensions marked critical. */
  readonly critical: readonly string[];
  readonly hasNameConstraints: boolean;
  /** Undefined where the extension is missing. */
  readonly basicConstraints:
    | { readonly authority: boolean; readonly pathLength: number | undefined }
    | undefined;
  readonly keyUsage: { readonly digitalSignature: boolean; readonly keyCertSign: boolean } | undefined;
  readonly extKeyUsage: readonly string[] | undefined;
}

interface Extension {
  readonly critical: boolean;
  readonly value: Uint8Array;
}

/**
 * Reads a certificate's DER (RFC 5280, section 4.1):
 *
 *     SEQUENCE
 *       SEQUENCE tbsCertificate: [0] version, serial, signature, issuer, validity, subject, key, … [3] extensions
 *       SEQUENCE signatureAlgorithm
 *       BIT STRING
 *
 * Throws RangeError where it is not that, or says one thing twice.
 */
export function readFacts(der: Uint8Array): Facts {
  const [tbs, algorithm] = inside(der, tags.sequence);
  const signatureAlgorithm = algorithmOf(algorithm);
  const fields = elements(wanted(tbs, tags.sequence));
  // The first sequence in it: what precedes it is the version and the serial number.
  const within = algorithmOf(fields.find(({ tag }) => tag === tags.sequence));
  if (within !== signatureAlgorithm) throw new RangeError('two signature algorithms');
  const block = fields.find(({ tag }) => tag === tags.extensions);
  const extensions = block ? readExtensions(block.content) : new Map<string, Extension>();
  return {
    signatureAlgorithm,
    critical: [...extensions].filter(([, { critical }]) => critical).map(([oid]) => oid),
    hasNameConstraints: extensions.has(oids.nameConstraints),
    basicConstraints: readBasicConstraints(extensions.get(oids.basicConstraints)),
    keyUsage: readKeyUsage(extensions.get(oids.keyUsage)),
    extKeyUsage: readExtKeyUsage(extensions.get(oids.extKeyUsage)),
  };
}

function wanted(element: Element | undefined, tag: number): Uint8Array {
  if (element?.tag !== tag) throw new RangeError(`no element of tag ${tag}`);
  return element.content;
}

function algorithmOf(element: Element | undefined): string {
  return dotted(wanted(elements(wanted(element, tags.sequence))[0], tags.oid));
}

function readExtensions(block: Uint8Array): Map<string, Extension> {
  const found = new Map<string, Extension>();
  for (const extension of inside(block, tags.sequence)) {
    const parts = elements(wanted(extension, tags.sequence));
    const oid = dotted(wanted(parts[0], tags.oid));
    const critical = parts[1]?.tag === tags.boolean && parts[1].content[0] !== 0;
    if (found.has(oid)) throw new RangeError(`extension ${oid} twice`);
    found.set(oid, { critical, value: wanted(parts.at(-1), tags.octetString) });
  }
  return found;
}

function readBasicConstraints(extension: Extension | undefined): Facts['basicConstraints'] {
  if (extension === undefined) return undefined;
  const parts = inside(extension.value, tags.sequence);
  const length = parts.find(({ tag }) => tag === tags.integer)?.content;
  // More than one byte is either more than any chain here, or negative.
  if (length !== undefined && (length.length !== 1 || (length[0] ?? 0) > 0x7f)) {
    throw new RangeError('an absurd path length');
  }
  const authority = parts[0]?.tag === tags.boolean && parts[0].content[0] !== 0;
  return { authority, pathLength: length?.[0] };
}

/** A bit string whose first byte is the number of unused bits; bit 0 is the highest of the next. */
function readKeyUsage(extension: Extension | undefined): Facts['keyUsage'] {
  if (extension === undefined) return undefined;
  const [bits] = elements(extension.value);
  const first = wanted(bits, tags.bitString)[1] ?? 0;
  return { digitalSignature: (first & 0x80) !== 0, keyCertSign: (first & 0x04) !== 0 };
}

function readExtKeyUsage(extension: Extension | undefined): Facts['extKeyUsage'] {
  if (extension === undefined) return undefined;
  return inside(extension.value, tags.sequence).map((each) => dotted(wanted(each, tags.oid)));
}
