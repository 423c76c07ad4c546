import { compareVersions, releaseVersion } from '@loadline/sdk/release';
import { Command, InvalidArgumentError } from 'commander';
import { answer, clock, teller } from '../ca/ceremony.ts';
import { attempt, CalledWrongly } from '../cloud/outcome.ts';
import { sweep } from './built-release.ts';
import { signChange, signedTargets, whileSigning } from './signing.ts';
import { type KeyFlags, tellWritten, withKeys, withRepository } from './telling.ts';

/** `loadline release floor`: nothing older is ever taken again. */
export function floorCommand(): Command {
  return withRepository(withKeys(new Command('floor')))
    .description(
      'let no gateway take a release that is older than this one, ever again; older ones are withdrawn',
    )
    .argument('<version>', 'the oldest that may still be taken', version)
    .addHelpText(
      'after',
      `
The floor only rises. Nothing below it can be signed any more, and gateway and installer each refuse it, also where somebody
offers what was signed before. What lies on a gateway already stays: a release that runs goes on until another takes its place.`,
    )
    .action((floor: string, flags: KeyFlags & { repository: string }) =>
      attempt('release floor', async () => {
        const now = clock();
        const tell = teller(flags.json);
        const { gone, written, freed } = await whileSigning(flags, async (signing) => {
          const { releases } = signedTargets(signing, flags.repository);
          const kept = releases.filter((each) => compareVersions(each.version, floor) >= 0);
          const gone = releases.filter((each) => !kept.includes(each));
          // A floor that was mistyped could never be taken back.
          const cut = gone.find(({ target }) => kept.every((each) => each.target !== target));
          if (kept.length === 0 || cut !== undefined) {
            const what = cut === undefined ? '' : ` for ${cut.target}`;
            throw new CalledWrongly(
              `no release from ${floor} on${what} is signed, and the floor only rises: sign one first`,
            );
          }
          const written = await signChange(flags, signing, { floor }, now);
          return { gone, written, freed: await sweep(flags.repository, kept) };
        });
        for (const each of gone) tell(`Withdrew ${each.version} for ${each.target}.`);
        tell(`No gateway takes what is older than ${floor} any more.`);
        tellWritten(tell, written);
        const withdrawn = gone.map(({ version, target }) => ({ version, target }));
        answer(flags.json, { floor, withdrawn, written, freedBytes: freed });
      }),
    );
}

function version(text: string): string {
  const read = releaseVersion.safeParse(text);
  if (read.success) return read.data;
  throw new InvalidArgumentError('Give a version, such as 1.4.0');
}
