import { readFile } from 'node:fs/promises';
import { CalledWrongly } from '../cloud/outcome.ts';

/**
 * The certificate of the authority by whose vouchers gateways take an owner, PEM, for package and image.
 *
 * @throws CalledWrongly where it cannot be read, or is something else; and where a private key is with it: that would go to
 *   everybody who has the package
 */
export async function readMaker(path: string): Promise<Buffer> {
  const content = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new CalledWrongly(`${path} cannot be read: ${error.code}`);
  });
  const text = content.toString('latin1');
  if (/PRIVATE KEY/.test(text)) {
    throw new CalledWrongly(`${path} has a private key in it: give the certificate alone`);
  }
  if (/^-----BEGIN CERTIFICATE-----\r?$/m.test(text)) return content;
  throw new CalledWrongly(`${path} has no certificate (PEM) in it`);
}
