import { readFile } from 'node:fs/promises';
import { isExposed, Secret } from '@loadline/sdk/platform';
import { CalledWrongly } from '../cloud/outcome.ts';
import { askSecret, canAsk } from '../cloud/prompts.ts';
import { mustBeLongEnough } from './root-key.ts';

/** The passphrase out of a file, or typed, unseen. Never out of the command line: other users of the machine see that. */
export async function passphraseOf(file: string | undefined, key = "the root's key"): Promise<Secret> {
  if (file !== undefined) return await fromFile(file);
  mustBeTyped();
  return new Secret(await askSecret(`Passphrase of ${key}`));
}

/** A passphrase for a new key: typed twice. @throws Error where it is too short */
export async function newPassphrase(file: string | undefined, key = "the root's key"): Promise<Secret> {
  const passphrase = file === undefined ? await typedTwice(key) : await fromFile(file);
  mustBeLongEnough(passphrase);
  return passphrase;
}

async function typedTwice(key: string): Promise<Secret> {
  mustBeTyped();
  const first = new Secret(await askSecret(`A passphrase for ${key} (12 characters or more)`));
  mustBeLongEnough(first);
  if (!first.equals(new Secret(await askSecret('The same again')))) {
    throw new CalledWrongly('the two are not the same: nothing was made');
  }
  return first;
}

function mustBeTyped(): void {
  if (!canAsk()) {
    throw new CalledWrongly(
      'nobody is at a terminal to type the passphrase: give a file with --passphrase-file',
    );
  }
}

/** What is in the file, without the line break at its end. */
async function fromFile(path: string): Promise<Secret> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new CalledWrongly(
      `--passphrase-file ${path} cannot be read: ${(error as NodeJS.ErrnoException).code}`,
    );
  }
  if (await isExposed(path)) {
    throw new CalledWrongly(
      `other users may read ${path}: run 'chmod 600 ${path}', and take another passphrase if one has`,
    );
  }
  return new Secret(text.replace(/\r?\n$/, ''));
}
