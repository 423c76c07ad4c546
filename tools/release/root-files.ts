import { readIfThere } from '@loadline/sdk/platform';
import { missingSignatures, readRoot } from '@loadline/sdk/release/repository';
import { CalledWrongly } from '../cloud/outcome.ts';
import { missingLines, rootAnswer } from './telling.ts';

/** A root out of a file. */
export async function readRootFile(path: string): Promise<string> {
  const content = await readIfThere(path);
  if (content === undefined) throw new CalledWrongly(`${path} is not there`);
  readRoot(content);
  return content;
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
