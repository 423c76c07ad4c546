import { join } from 'node:path';
import { makePrivateFolder, writeWhole } from '@loadline/sdk/platform';
import { firstRoot, keyIdOf, type RoleName, readRoot, signRoot } from '@loadline/sdk/release/repository';
import { Command } from 'commander';
import { addresses, answer, clock, mustBeExpected, mustBeFree, teller } from '../ca/ceremony.ts';
import { newPassphrase } from '../ca/passphrase.ts';
import { attempt, CalledWrongly } from '../cloud/outcome.ts';
import { keysIn, makeKey, openSigners, readPublicKeys } from './role-keys.ts';
import { tellRoot } from './root-files.ts';
import { type KeyFlags, rootLines, threshold, withComparison, withKeys } from './telling.ts';

interface Flags extends KeyFlags {
  readonly offline: boolean;
  readonly key: readonly string[];
  readonly threshold?: Partial<Record<RoleName, number>>;
  readonly expect?: readonly string[];
}

/** `loadline release init`: the ceremony of the first root. */
export function initCommand(): Command {
  return withComparison(withKeys(new Command('init')))
    .description('make the first root of a repository: a root key in the folder, and who may sign what')
    .option(
      '--offline',
      'say that this machine is the place for it: it has no network, and the folder is locked away',
      false,
    )
    .requiredOption(
      '--key <file...>',
      "public keys (.pub.json): of targets, of the cloud's snapshot and timestamp, and of further root keys",
    )
    .option(
      '--threshold <role=n>',
      'how many keys of a role must sign, where that is not one: root=2',
      threshold,
    )
    .addHelpText(
      'after',
      `
The folder's own root key is made where there is none. Writes 1.root.json into the folder; where more root keys have to
sign, carry it to the next folder: 'loadline release sign-root'. The ceremony, step by step, is in docs/releases.md.`,
    )
    .action((flags: Flags) =>
      attempt('release init', async () => {
        if (!flags.offline) {
          throw new CalledWrongly(
            'root keys are made where there is no network: run this on such a machine, and say so with --offline',
          );
        }
        const now = clock();
        const tell = teller(flags.json);
        const brought = (await Promise.all(flags.key.map(readPublicKeys))).flat();
        const path = join(flags.folder, '1.root.json');
        await mustBeFree(path);
        for (const address of addresses()) tell(`note: this machine has a network: ${address}`);
        await makePrivateFolder(flags.folder);
        let own = await keysIn(flags.folder, ['root']);
        if (own.length === 0) {
          tell(
            'To make: a root key. Without its passphrase it is lost. Keep a copy of the folder in a second place.',
          );
          own = [
            await makeKey(
              flags.folder,
              'root',
              await newPassphrase(flags.passphraseFile, 'the new root key'),
            ),
          ];
        }
        const all = [...own, ...brought];
        const keysOf = (role: RoleName) => {
          const keys = new Map(
            all.filter((each) => each.role === role).map(({ key }) => [keyIdOf(key), key]),
          );
          if (keys.size === 0) throw new CalledWrongly(`no --key is for ${role}: each role needs one`);
          return { keys: [...keys.values()], threshold: flags.threshold?.[role] ?? 1 };
        };
        const roles = {
          root: keysOf('root'),
          targets: keysOf('targets'),
          snapshot: keysOf('snapshot'),
          timestamp: keysOf('timestamp'),
        };
        let root = firstRoot(roles, now);
        for (const line of rootLines(readRoot(root))) tell(line);
        const others = brought.map(({ key }) => keyIdOf(key));
        await mustBeExpected(
          others,
          flags.expect ?? [],
          'Are these the ids that the holders of the keys were told?',
        );
        for (const signer of await openSigners(own, flags.passphraseFile))
          root = signRoot(root, signer, undefined);
        await writeWhole(path, root, 0o644);
        answer(flags.json, tellRoot(tell, path, root, undefined));
      }),
    );
}
