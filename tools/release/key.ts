import { fingerprintInGroups } from '@loadline/sdk/identity';
import { type RoleName, roleNames } from '@loadline/sdk/release/repository';
import { Command, Option } from 'commander';
import { answer, teller } from '../ca/ceremony.ts';
import { newPassphrase } from '../ca/passphrase.ts';
import { attempt } from '../cloud/outcome.ts';
import { makeKey, publicPath } from './role-keys.ts';
import { type KeyFlags, withKeys } from './telling.ts';

/** `loadline release key`: a key for a role, closed; its public half is what travels to the root. */
export function keyCommand(): Command {
  return withKeys(new Command('key'))
    .description('make a key for a role, closed with a passphrase; its public half goes into the root')
    .addOption(
      new Option('--role <role>', 'what it will sign; a cloud makes those for snapshot and timestamp itself')
        .choices(roleNames)
        .makeOptionMandatory(),
    )
    .action((flags: KeyFlags & { role: RoleName }) =>
      attempt('release key', async () => {
        const tell = teller(flags.json);
        const passphrase = await newPassphrase(flags.passphraseFile, `the new ${flags.role} key`);
        const { role, id, path } = await makeKey(flags.folder, flags.role, passphrase);
        tell(
          `Made ${path}. What travels is ${publicPath(path)}; whoever puts it into the root compares this id:`,
        );
        tell(`  ${fingerprintInGroups(id)}`);
        answer(flags.json, { role, id, key: path, public: publicPath(path) });
      }),
    );
}
