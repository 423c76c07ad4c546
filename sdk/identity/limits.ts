/** Limits of this folder, each with its unit; checked before anything is parsed. */
export const identityLimits = {
  /** Bits of an RSA modulus: smaller is broken, larger only burns a gateway's processor. */
  rsaBits: { min: 2048, max: 4096 },
  /** Bytes of a PKCS#10 request in DER. */
  requestBytes: 8 * 1024,
  /** Bytes of an enrolment request's body: the request in base64, with line breaks. */
  enrolBodyBytes: 16 * 1024,
  /** Bytes of an answer to an enrolment, and of any PKCS#7 message in base64. */
  certsOnlyBytes: 64 * 1024,
  /** Bytes of a voucher in DER: its signer's chain is most of it. */
  voucherBytes: 16 * 1024,
  /** Bytes of a voucher's nonce (RFC 8366, section 5.3). */
  nonceBytes: { min: 8, max: 32 },
  /** The highest ownership counter: four bytes. */
  ownershipCounter: 0xffff_ffff,
  /** Bytes of a serial number (RFC 5280 allows 20); below 8 it would not be unguessable. */
  serialBytes: { min: 8, max: 20 },
  /** Characters of a common name (X.520's upper bound). */
  commonNameCharacters: 64,
} as const;
