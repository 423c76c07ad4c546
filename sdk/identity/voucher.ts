/**
 * Vouchers (RFC 8366): what a gateway takes an owner by. Signed by the authority that the gateway was built to trust,
 * for one gateway by its serial number, it names the owner and pins the authority the gateway is to trust from then on.
 *
 *     CMS SignedData (cms.ts), base64; its content is JSON (RFC 7951):
 *     { "ietf-voucher:voucher": {
 *         "created-on": "2026-11-22T12:00:00.000Z",
 *         "expires-on": …                       where there is no nonce, and only there
 *         "assertion": "logged",
 *         "serial-number": "10000000a1b2c3d4",
 *         "nonce": base64                       where the gateway was asked; answers this one session
 *         "pinned-domain-cert": base64 of the DER,
 *         "loadline:ownership-counter": 3,      above every one this gateway has taken before
 *         "loadline:organisation": "acme" } }
 */
import { X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { serialNumber } from '../provisioning/index.ts';
import { chainFault, type JudgedAt } from '../trust/index.ts';
import type { Issuer } from './certificate.ts';
import { readSignedContent, signContent } from './cms.ts';
import { type IdentityError, identityError, reason } from './errors.ts';
import { identityLimits } from './limits.ts';

/** id-ct-animaJSONVoucher (RFC 8366, section 8.3). */
const contentType = '1.2.840.113549.1.9.16.1.40';

/** What the signer has made sure of (RFC 8366, section 5.3): `logged`, that the owner is written down. */
export type Assertion = 'verified' | 'logged' | 'proximity';

export interface Voucher {
  /** The serial number that the gateway was built with. */
  readonly serialNumber: string;
  /** Milliseconds since 1970. */
  readonly createdOn: number;
  /** Milliseconds since 1970. One of this and `nonce` is there, never both. */
  readonly expiresOn?: number;
  readonly assertion: Assertion;
  /** Lower-case hex of 8 to 32 bytes: what the gateway asked with. */
  readonly nonce?: string;
  /** A gateway takes no voucher whose counter is not above that of its last owner. */
  readonly ownershipCounter: number;
  /** Id of the organisation that owns it. */
  readonly organisation: string;
  /** The authority that the gateway is to trust, PEM. */
  readonly pinnedAuthorityPem: string;
}

const time = z.iso.datetime();
const content = z.strictObject({
  'ietf-voucher:voucher': z.strictObject({
    'created-on': time,
    'expires-on': time.optional(),
    assertion: z.enum(['verified', 'logged', 'proximity']),
    'serial-number': serialNumber,
    nonce: z.base64().optional(),
    'pinned-domain-cert': z.base64(),
    'loadline:ownership-counter': z.int().min(1).max(identityLimits.ownershipCounter),
    'loadline:organisation': z.string().min(1).max(64),
  }),
});

/**
 * Signs a voucher, as base64.
 *
 * @param options.chainPem the authorities between the signer's certificate and the one the gateway trusts, PEM, one
 *   after the other; empty where there are none; the signer's own may be among them. Throws `voucher-refused` where the voucher is none that is read.
 */
export function createVoucher(options: {
  readonly voucher: Voucher;
  readonly signer: Issuer;
  readonly chainPem: string;
}): string {
  const { voucher, signer, chainPem } = options;
  const json = JSON.stringify(encode(voucher));
  decode(Buffer.from(json));
  const own = new X509Certificate(signer.certificatePem).raw;
  const chain = chainPem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  const between = chain.filter((pem) => !new X509Certificate(pem).raw.equals(own));
  const der = signContent({
    contentType,
    content: Buffer.from(json),
    signingTime: voucher.createdOn,
    signer: signer.signer,
    certificates: [signer.certificatePem, ...between],
  });
  return Buffer.from(der).toString('base64');
}

/**
 * Reads a voucher that a holder of a certificate of the profile `voucher`, issued under one of the authorities in
 * `authorityPem`, has signed, and that has not expired by `time`. Whether it is for this gateway, this session and
 * above its counter is the caller's question. Throws `voucher-refused`, and says why.
 */
export function readVoucher(
  base64: string,
  options: { readonly authorityPem: string; readonly time: JudgedAt },
): Voucher {
  const { authorityPem, time } = options;
  const der = Buffer.from(base64, 'base64');
  if (der.length > identityLimits.voucherBytes) {
    throw refused(`it has ${der.length} bytes, and ${identityLimits.voucherBytes} are accepted`);
  }
  // Buffer.from drops what it does not know: a voucher has one spelling.
  if (der.length === 0 || der.toString('base64') !== base64) throw refused('it is not base64');
  let signed: ReturnType<typeof readSignedContent>;
  try {
    signed = readSignedContent(der, contentType);
  } catch (cause) {
    throw refused(`it ${reason(cause)}`, cause);
  }
  const { certificates } = signed;
  const fault = chainFault({ presented: certificates, authorityPem, claim: { kind: 'voucher' }, time });
  if (fault !== undefined) throw refused(`its signer's certificate ${fault}`);
  const voucher = decode(signed.content);
  const { expiresOn } = voucher;
  if (expiresOn !== undefined && time.wall > expiresOn) {
    const now = `${iso(time.wall)}${time.kind === 'known' ? '' : ' or later'}`;
    throw refused(`it ended at ${iso(expiresOn)}, and it is ${now}: ask for a new one`);
  }
  return voucher;
}

function encode(voucher: Voucher): z.input<typeof content> {
  const { expiresOn, nonce } = voucher;
  return {
    'ietf-voucher:voucher': {
      'created-on': iso(voucher.createdOn),
      ...(expiresOn === undefined ? {} : { 'expires-on': iso(expiresOn) }),
      assertion: voucher.assertion,
      'serial-number': voucher.serialNumber,
      ...(nonce === undefined ? {} : { nonce: Buffer.from(nonce, 'hex').toString('base64') }),
      'pinned-domain-cert': new X509Certificate(voucher.pinnedAuthorityPem).raw.toString('base64'),
      'loadline:ownership-counter': voucher.ownershipCounter,
      'loadline:organisation': voucher.organisation,
    },
  };
}

function decode(bytes: Uint8Array): Voucher {
  const { data, error } = content.safeParse(parseJson(bytes));
  if (error) {
    const [issue] = error.issues;
    throw refused(`its member ${issue?.path.join('.') || '(outermost)'} is wrong: ${issue?.message}`);
  }
  const said = data['ietf-voucher:voucher'];
  const expires = said['expires-on'];
  // RFC 8366 allows neither: that would be good for ever.
  if ((expires === undefined) === (said.nonce === undefined)) {
    throw refused('it must have a nonce or an end, and not both');
  }
  return {
    serialNumber: said['serial-number'],
    createdOn: Date.parse(said['created-on']),
    ...(expires === undefined ? {} : { expiresOn: Date.parse(expires) }),
    assertion: said.assertion,
    ...(said.nonce === undefined ? {} : { nonce: readNonce(said.nonce) }),
    ownershipCounter: said['loadline:ownership-counter'],
    organisation: said['loadline:organisation'],
    pinnedAuthorityPem: readPinned(said['pinned-domain-cert']),
  };
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw refused('its content is not JSON', cause);
  }
}

function readNonce(base64: string): string {
  const nonce = Buffer.from(base64, 'base64');
  const { min, max } = identityLimits.nonceBytes;
  if (nonce.length < min || nonce.length > max) {
    throw refused(`its nonce has ${nonce.length} bytes, and must have ${min} to ${max}`);
  }
  return nonce.toString('hex');
}

function readPinned(base64: string): string {
  let pinned: X509Certificate;
  try {
    pinned = new X509Certificate(Buffer.from(base64, 'base64'));
  } catch (cause) {
    throw refused('the certificate it pins is unreadable', cause);
  }
  if (!pinned.ca) throw refused('the certificate it pins is not that of an authority');
  return pinned.toString();
}

function iso(time: number): string {
  return new Date(time).toISOString();
}

function refused(what: string, cause?: unknown): IdentityError {
  return identityError('voucher-refused', `the voucher is refused: ${what}`, cause);
}
