import { readIfThere } from '@loadline/sdk/platform';
import { ReleaseError } from '@loadline/sdk/release';
import { missingSignatures, readRoot } from '@loadline/sdk/release/repository';
import { CalledWrongly } from '../cloud/outcome.ts';
import { missingLines, rootAnswer } from './telling.ts';

/**
 * A root out of a file.
 *
 * @throws CalledWrongly where there is no such file, or it is something else
 */
export async function readRootFile(path: string): Promise<string> {
  const content = await readIfThere(path).catch((error: NodeJS.ErrnoException) => {
    throw new CalledWrongly(`${path} cannot be read: ${error.code}`);
  });
  if (content === undefined) throw new CalledWrongly(`${path} is not there`);
  try {
    readRoot(content);
    return content;
  } catch (error) {
    if (!(error instanceof ReleaseError)) throw error;
    throw new CalledWrongly(`${path} is no root of a repository (<n>.root.json): ${error.message}`);
  }
}

/**
 * A root out of a file, for gateways to be built to trust.
 *
 * @throws CalledWrongly also where not all have signed it who must: nobody who was built to trust such a one takes an update,
 *   ever, and nothing but another card or package mends that
 */
export async function readTrustedRoot(path: string): Promise<string> {
  const root = await readRootFile(path);
  const missing = missingLines(missingSignatures(root, undefined));
  if (missing.length === 0) return root;
  throw new CalledWrongly(
    `gateways that were built to trust ${path} could never take an update. ${missing.join('; ')} ('loadline release sign-root')`,
  );
}

/** Tells how far a root is that was made or signed: what is missing, or where it goes. The same, for programs, is returned. */
export function tellRoot(
  tell: (line: string) => void,
  path: string,
  root: string,
  before: string | undefined,
): object {
  const missing = missingSignatures(root, before);
  if (missing.length === 0) {
    tell(`${path} is signed by all who must. Into the repository, with the next signature of targets:`);
    tell(`  loadline release sign --repository DIR --folder KEYS --root ${path}`);
  } else {
    for (const line of missingLines(missing)) tell(line);
    const further = before === undefined ? '' : ' --before THE-ROOT-BEFORE';
    tell(`  loadline release sign-root --folder KEYS --root ${path}${further}`);
  }
  return { root: path, ...rootAnswer(readRoot(root)), missing };
}
