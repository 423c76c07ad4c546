import { readTrustedRoot } from '../release/root-files.ts';
import type { Additions } from './debian-package.ts';
import { readMaker } from './given-files.ts';

/** Files for the package alone: the root of the repository that its gateways trust, and whose vouchers they take. */
export interface GivenFiles {
  readonly trust?: string;
  readonly maker?: string;
}

/**
 * What the files that are given come to in the package.
 *
 * @throws CalledWrongly where one cannot be read, or is not what it has to be
 */
export async function additionsOf({ trust, maker }: GivenFiles): Promise<Additions> {
  const additions = new Map<string, Uint8Array>();
  if (trust !== undefined) additions.set('trust/root.json', Buffer.from(await readTrustedRoot(trust)));
  if (maker !== undefined) additions.set('maker.pem', await readMaker(maker));
  return additions;
}
