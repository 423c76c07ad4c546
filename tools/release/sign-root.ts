import { writeWhole } from '@loadline/sdk/platform';
import { keyIdOf, readRoot, signRoot } from '@loadline/sdk/release/repository';
import { Command } from 'commander';
import { answer, mustBeExpected, teller } from '../ca/ceremony.ts';
import { attempt, CalledWrongly } from '../cloud/outcome.ts';
import { keysIn, openSigners } from './role-keys.ts';
import { readRootFile, tellRoot } from './root-files.ts';
import { type KeyFlags, keyIdsOf, rootLines, withComparison, withKeys } from './telling.ts';

interface Flags extends KeyFlags {
  readonly root: string;
  readonly before?: string;
  readonly expect?: readonly string[];
}

/** `loadline release sign-root`: one signature more on a root that another holder made. */
export function signRootCommand(): Command {
  return withComparison(withKeys(new Command('sign-root')))
    .description(
      'sign a root that another holder of a root key has made: signatures are gathered one machine after the other',
    )
    .requiredOption('--root <file>', 'that root; the signature is put into it')
    .option('--before <file>', 'the root before it, whose keys have a say; not for the first')
    .action((flags: Flags) =>
      attempt('release sign-root', async () => {
        const tell = teller(flags.json);
        let root = await readRootFile(flags.root);
        const summary = readRoot(root);
        if (summary.version > 1 && flags.before === undefined) {
          throw new CalledWrongly(
            `this is root ${summary.version}: give root ${summary.version - 1} with --before`,
          );
        }
        const before = flags.before === undefined ? undefined : await readRootFile(flags.before);
        if (before !== undefined && readRoot(before).version !== summary.version - 1) {
          throw new CalledWrongly(
            `${flags.before} is root ${readRoot(before).version}, and not the one before`,
          );
        }
        const named = [root, ...(before === undefined ? [] : [before])].flatMap((each) =>
          readRoot(each).roles.root.keys.map(keyIdOf),
        );
        const own = (await keysIn(flags.folder, ['root'])).filter(({ id }) => named.includes(id));
        if (own.length === 0)
          throw new CalledWrongly(`${flags.folder} holds no root key that has a say in it`);
        for (const line of rootLines(summary)) tell(line);
        const known = before === undefined ? own.map(({ id }) => id) : keyIdsOf(readRoot(before));
        const unknown = keyIdsOf(summary).filter((id) => !known.includes(id));
        if (unknown.length > 0) {
          const question = `Are these the ids that were agreed on: ${unknown.map((id) => id.slice(0, 8)).join(', ')} are new?`;
          await mustBeExpected(unknown, flags.expect ?? [], question);
        }
        for (const signer of await openSigners(own, flags.passphraseFile))
          root = signRoot(root, signer, before);
        await writeWhole(flags.root, root, 0o644);
        answer(flags.json, tellRoot(tell, flags.root, root, before));
      }),
    );
}
