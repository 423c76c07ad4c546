import { type ReleaseTarget, releaseTargets } from '@loadline/sdk/release';
import { Command, Option } from 'commander';
import { answer, clock, teller } from '../ca/ceremony.ts';
import { attempt, CalledWrongly } from '../cloud/outcome.ts';
import { sweep } from './built-release.ts';
import { signChange, signedTargets, whileSigning } from './signing.ts';
import { type KeyFlags, tellWritten, withKeys, withRepository } from './telling.ts';

interface Flags extends KeyFlags {
  readonly repository: string;
  readonly target?: ReleaseTarget;
}

/** `loadline release withdraw`: nobody vouches for a release any more. */
export function withdrawCommand(): Command {
  return withRepository(withKeys(new Command('withdraw')))
    .description(
      'take a release back: no gateway takes it any more; those that run it keep it until they take another',
    )
    .argument('<version>')
    .addOption(new Option('--target <target>', 'only for this target').choices(releaseTargets))
    .action((version: string, flags: Flags) =>
      attempt('release withdraw', async () => {
        const now = clock();
        const tell = teller(flags.json);
        const { gone, written, freed } = await whileSigning(flags, async (signing) => {
          const { releases } = signedTargets(signing, flags.repository);
          const is = (target: ReleaseTarget) => flags.target === undefined || flags.target === target;
          const gone = releases.filter((each) => each.version === version && is(each.target));
          if (gone.length === 0) {
            const what = `${version}${flags.target === undefined ? '' : ` for ${flags.target}`}`;
            const there = releases.map((each) => `${each.version} for ${each.target}`).join(', ') || 'none';
            throw new CalledWrongly(`no release ${what} is signed; those that are: ${there}`);
          }
          const written = await signChange(flags, signing, { remove: gone }, now);
          const kept = releases.filter((release) => !gone.includes(release));
          return { gone, written, freed: await sweep(flags.repository, kept) };
        });
        for (const { target } of gone) tell(`Withdrew ${version} for ${target}.`);
        tellWritten(tell, written);
        const withdrawn = gone.map(({ target }) => ({ version, target }));
        answer(flags.json, { withdrawn, written, freedBytes: freed });
      }),
    );
}
