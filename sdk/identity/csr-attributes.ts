/**
 * What an EST server asks of requests (RFC 7030, section 4.5.2), here for keys that this folder can handle:
 *
 *     CsrAttrs ::= SEQUENCE
 *       SEQUENCE                        an attribute
 *         1.2.840.113549.1.1.1          rsaEncryption
 *         SET { INTEGER 2048 }          bits of the key
 *       1.2.840.113549.1.1.11           sha256WithRSAEncryption: how the request is signed
 */
import { forge, toDer } from './forge.ts';

const { asn1, pki } = forge;
const { Class, Type } = asn1;

/** The same as base64 DER, ending with a line break. */
export function encodeCsrAttributes(): string {
  const oid = (name: string) =>
    asn1.create(Class.UNIVERSAL, Type.OID, false, asn1.oidToDer(pki.oids[name] as string).getBytes());
  const bits = asn1.create(Class.UNIVERSAL, Type.INTEGER, false, asn1.integerToDer(2048).getBytes());
  const key = asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, [
    oid('rsaEncryption'),
    asn1.create(Class.UNIVERSAL, Type.SET, true, [bits]),
  ]);
  const attributes = asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, [key, oid('sha256WithRSAEncryption')]);
  return `${Buffer.from(toDer(attributes)).toString('base64')}\n`;
}
