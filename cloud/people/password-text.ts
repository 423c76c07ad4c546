/**
 * Characters (code points, NFC) a password may have: at least 15 since it may be the only factor (NIST SP 800-63B-4,
 * section 3.1.1.2), and enough at the other end for any sentence.
 */
export const passwordLimits = { shortest: 15, longest: 256 } as const;

/**
 * A password as it is judged and hashed: NFC, so that it is the same from every keyboard (SP 800-63B-4, section
 * 3.1.1.2). Nothing is cut off and nothing trimmed.
 */
export function prepared(password: string): string {
  return password.normalize('NFC');
}
