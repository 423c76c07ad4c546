import { readFile } from 'node:fs/promises';
import { CalledWrongly } from '../cloud/outcome.ts';
import type { Additions } from './debian-package.ts';

/** Files for the package alone: the root of the repository that its gateways trust, and whose vouchers they take. */
export interface GivenFiles {
  readonly trust?: string;
  readonly maker?: string;
}

/**
 * What the files that are given come to in the package.
 *
 * @throws CalledWrongly where one cannot be read, or is something else
 */
export async function additionsOf({ trust, maker }: GivenFiles): Promise<Additions> {
  const additions = new Map<string, Uint8Array>();
  if (trust !== undefined) {
    const content = await readGiven('--trust', trust);
    if (!isRoot(content)) {
      throw new CalledWrongly(`--trust ${trust} is no root of a repository: give its metadata/1.root.json`);
    }
    additions.set('trust/root.json', content);
  }
  if (maker !== undefined) {
    const content = await readGiven('--maker', maker);
    if (!content.includes('-----BEGIN CERTIFICATE-----')) {
      throw new CalledWrongly(`--maker ${maker} has no certificate (PEM) in it`);
    }
    additions.set('maker.pem', content);
  }
  return additions;
}

async function readGiven(option: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new CalledWrongly(`${option} ${path} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}

function isRoot(content: Buffer): boolean {
  try {
    const { signed } = JSON.parse(content.toString()) as { signed?: { _type?: string } };
    return signed?._type === 'root';
  } catch {
    return false;
  }
}
