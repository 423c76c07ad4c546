import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';

/**
 * The fleet's authority, as PEM.
 *
 * @param file `uplink.authority` of the configuration
 * @throws Error that names the key and the file where it cannot be read, or begins with no certificate
 */
export function readAuthority(file: string): string {
  const act = 'copy authority/authority.pem of the cloud there, readable by the user of the gateway';
  let pem: string;
  try {
    pem = readFileSync(file, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new Error(`uplink.authority: ${file} cannot be read (${code}): ${act}`, { cause });
  }
  try {
    new X509Certificate(pem);
  } catch (cause) {
    throw new Error(`uplink.authority: ${file} has no certificate: ${act}`, { cause });
  }
  return pem;
}
