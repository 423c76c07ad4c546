import { lifetimes, type RoleName, readRoot } from '@loadline/sdk/release/repository';
import { Command } from 'commander';
import { answer, clock, teller } from '../ca/ceremony.ts';
import { attempt, CalledWrongly } from '../cloud/outcome.ts';
import { type Signing, signAbove, signChange, signedTargets, whileSigning } from './signing.ts';
import { type KeyFlags, tellWritten, withKeys, withRepository } from './telling.ts';

/** `loadline release renew`: the same for longer. */
export function renewCommand(): Command {
  return withRepository(withKeys(new Command('renew')))
    .description(
      'sign the same again, for longer, by the keys in the folder: whatever has less than half of its time left',
    )
    .addHelpText(
      'after',
      `
Targets hold for 365 days, a snapshot for 14, a timestamp for 7. A cloud renews the latter two itself; for a repository that is a
folder only, run this every three days. A root that ends is renewed by 'loadline release rotate' without --role.`,
    )
    .action((flags: KeyFlags & { repository: string }) =>
      attempt('release renew', async () => {
        const now = clock();
        const tell = teller(flags.json);
        const { isDue, canSign, written } = await whileSigning(flags, async (signing) => {
          const { expires } = signedTargets(signing, flags.repository);
          mustHaveKeys(signing, flags.folder);
          const isDue = signing.areTargetsOpen || expires - now < lifetimes.targets / 2;
          const canSign = signing.signers('targets').length > 0;
          const written =
            isDue && canSign
              ? await signChange(flags, signing, {}, now)
              : await signAbove(flags, signing, now);
          return { isDue, canSign, written };
        });
        const isLeft = isDue && !canSign;
        if (isLeft) tell(`The targets are due, and their key is not in ${flags.folder}.`);
        if (!isLeft || written.length > 0) tellWritten(tell, written);
        answer(flags.json, { written, left: isLeft ? ['targets'] : [] });
      }),
    );
}

/** Where a folder was mistyped, nothing would be renewed, and whoever looks after it would hear that nothing was due. */
function mustHaveKeys({ root, signers }: Signing, folder: string): void {
  const renewed: readonly RoleName[] = ['targets', 'snapshot', 'timestamp'];
  if (renewed.some((role) => signers(role).length > 0)) return;
  const { version } = readRoot(root);
  throw new CalledWrongly(`${folder} holds no key that root ${version} lets sign ${renewed.join(', ')}`);
}
