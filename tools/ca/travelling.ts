import { readFile } from 'node:fs/promises';
import {
  certificateDetails,
  IdentityError,
  keyFingerprint,
  readSigningRequest,
  type Subject,
} from '@loadline/sdk/identity';
import { CalledWrongly } from '../cloud/outcome.ts';
import { type Made, rootsIn } from './root-folder.ts';

/** What travels between a cloud and its root: requests and certificates, in files. */

export interface Item {
  readonly kind: 'root' | 'certificate' | 'request';
  readonly name: string;
  /** SHA-256 of a certificate, hex; null of a request. */
  readonly fingerprint: string | null;
  /** SHA-256 of the public key, hex. */
  readonly key: string;
  readonly until: string | null;
}

export function asItem({ pem, details }: Made): Item {
  return {
    kind: rootsIn(pem).length > 0 ? 'root' : 'certificate',
    name: details.commonName,
    fingerprint: details.fingerprint,
    key: keyFingerprint(details.publicKeyPem),
    until: new Date(details.notAfter).toISOString(),
  };
}

/** What is in a file. */
export async function itemsIn(path: string): Promise<Item[]> {
  const text = await readText(path);
  if (/PRIVATE KEY/.test(text))
    throw new CalledWrongly(`${path} holds a private key: only requests and certificates travel`);
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length > 0) return blocks.map((pem) => asItem({ pem, details: certificateDetails(pem) }));
  const { commonName, publicKeyPem } = requestIn(text, path);
  const key = keyFingerprint(publicKeyPem);
  return [{ kind: 'request', name: commonName, fingerprint: null, key, until: null }];
}

/** The request in a text. @throws CalledWrongly */
export function requestIn(text: string, path: string): Subject {
  try {
    return readSigningRequest(text);
  } catch (error) {
    if (error instanceof IdentityError) throw new CalledWrongly(`${path}: ${error.message}`);
    throw error;
  }
}

/** @throws CalledWrongly */
export async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new CalledWrongly(`${path} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}
