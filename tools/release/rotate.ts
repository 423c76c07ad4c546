import { join } from 'node:path';
import { writeWhole } from '@loadline/sdk/platform';
import {
  keyIdOf,
  nextRoot,
  type RoleKey,
  type RoleKeys,
  type RoleName,
  readRoot,
  roleNames,
  signRoot,
} from '@loadline/sdk/release/repository';
import { Command, Option } from 'commander';
import { answer, clock, mustBeExpected, mustBeFree, teller } from '../ca/ceremony.ts';
import { newPassphrase } from '../ca/passphrase.ts';
import { attempt, CalledWrongly } from '../cloud/outcome.ts';
import { keysIn, makeKey, openSigners, type PublicKey, readPublicKeys } from './role-keys.ts';
import { readRootFile, tellRoot } from './root-files.ts';
import { type KeyFlags, keyIdsOf, rootLines, threshold, withComparison, withKeys } from './telling.ts';

interface Flags extends KeyFlags {
  readonly root: string;
  readonly role?: readonly RoleName[];
  readonly key?: readonly string[];
  readonly threshold?: Partial<Record<RoleName, number>>;
  readonly expect?: readonly string[];
}

/** `loadline release rotate`: the next root, with other keys for some roles. */
export function rotateCommand(): Command {
  return withComparison(withKeys(new Command('rotate')))
    .description(
      'make the next root: with other keys for the roles that are named, or with the same for longer',
    )
    .requiredOption('--root <file>', 'the newest root of the repository')
    .addOption(
      new Option('--role <role...>', 'whose keys are replaced; none: the same keys, for longer').choices(
        roleNames,
      ),
    )
    .option(
      '--key <file...>',
      'their new public keys (.pub.json), all of them; a new root key is made in the folder without',
    )
    .option(
      '--threshold <role=n>',
      'how many keys of a role must sign, where that changes: root=2',
      threshold,
    )
    .addHelpText(
      'after',
      `
A root key that was lost or stolen: --role root. Gateways follow a new root only where the keys of the one before have signed it,
too, as many as must: so this is done with them. A stolen key of targets: --role targets snapshot timestamp, all three
(docs/releases.md says why). Writes <n>.root.json into the folder; nothing is replaced.`,
    )
    .action((flags: Flags) =>
      attempt('release rotate', async () => {
        const now = clock();
        const tell = teller(flags.json);
        const before = await readRootFile(flags.root);
        const old = readRoot(before);
        const path = join(flags.folder, `${old.version + 1}.root.json`);
        await mustBeFree(path);
        const roles = flags.role ?? [];
        const brought = (await Promise.all((flags.key ?? []).map(readPublicKeys))).flat();
        const stray = brought.find(({ role }) => !roles.includes(role));
        if (stray !== undefined) {
          throw new CalledWrongly(
            `a --key is for ${stray.role}, and no --role says that those are to be replaced`,
          );
        }
        const held = await keysIn(flags.folder, ['root']);
        const made: PublicKey[] = [];
        if (roles.includes('root') && !brought.some(({ role }) => role === 'root')) {
          const passphrase = await newPassphrase(flags.passphraseFile, 'the new root key');
          made.push(await makeKey(flags.folder, 'root', passphrase));
        }
        const keysOf = (role: RoleName): readonly RoleKey[] => {
          if (!roles.includes(role)) return old.roles[role].keys;
          const fresh = [...made, ...brought].filter((each) => each.role === role).map(({ key }) => key);
          if (fresh.length === 0) throw new CalledWrongly(`--role ${role} needs a --key for it`);
          // A key that is made here takes the place of the one that is here; other holders keep theirs.
          const others = old.roles.root.keys.filter((key) => !held.some(({ id }) => id === keyIdOf(key)));
          return role === 'root' && made.length > 0 ? [...others, ...fresh] : fresh;
        };
        const rolesOf = (role: RoleName): RoleKeys => ({
          keys: keysOf(role),
          threshold: flags.threshold?.[role] ?? old.roles[role].threshold,
        });
        const change = Object.fromEntries(roleNames.map((role) => [role, rolesOf(role)]));
        let root = nextRoot(before, change, now);
        const summary = readRoot(root);
        for (const line of rootLines(summary)) tell(line);
        const known = [...keyIdsOf(old), ...made.map(({ key }) => keyIdOf(key))];
        const unknown = keyIdsOf(summary).filter((id) => !known.includes(id));
        if (unknown.length > 0) {
          await mustBeExpected(
            unknown,
            flags.expect ?? [],
            'Are these the ids that the holders of the new keys were told?',
          );
        }
        const named = [...old.roles.root.keys, ...summary.roles.root.keys].map(keyIdOf);
        const own = (await keysIn(flags.folder, ['root'])).filter(({ id }) => named.includes(id));
        if (own.length === 0)
          throw new CalledWrongly(`${flags.folder} holds no root key that has a say in it`);
        for (const signer of await openSigners(own, flags.passphraseFile))
          root = signRoot(root, signer, before);
        await writeWhole(path, root, 0o644);
        answer(flags.json, tellRoot(tell, path, root, before));
      }),
    );
}
