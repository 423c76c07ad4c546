import { createHash } from 'node:crypto';
import { mustReachFloor } from '@loadline/sdk/release';
import { readTargets } from '@loadline/sdk/release/repository';
import { Command } from 'commander';
import { answer, clock, teller } from '../ca/ceremony.ts';
import { attempt, CalledWrongly } from '../cloud/outcome.ts';
import { type BuiltRelease, putRelease, readBuiltRelease } from './built-release.ts';
import { signAbove, signChange, whileSigning } from './signing.ts';
import { type KeyFlags, tellWritten, withKeys, withRepository } from './telling.ts';

interface Flags extends KeyFlags {
  readonly repository: string;
  readonly root?: readonly string[];
}

/** `loadline release sign`: built releases into a repository, and the name of the release manager under them. */
export function signCommand(): Command {
  return withRepository(withKeys(new Command('sign')))
    .description('put built releases into a repository, and sign them')
    .argument('[releases...]', "folders that 'loadline release build' made")
    .option(
      '--root <file>',
      'a newer root to put into the repository first; may be repeated',
      (path, before: readonly string[] = []) => [...before, path],
    )
    .addHelpText(
      'after',
      `
Each packed file is unpacked and checked before it is signed. A version is signed once for a target: other bytes need another
version. Without releases only --root takes effect. Where the folder also holds the keys of snapshot and timestamp, those sign,
too; else the cloud does, after 'loadline release publish'.`,
    )
    .action((folders: string[], flags: Flags) =>
      attempt('release sign', async () => {
        if (folders.length === 0 && flags.root === undefined) {
          throw new CalledWrongly('sign what? name folders of built releases, or newer roots with --root');
        }
        const now = clock();
        const tell = teller(flags.json);
        const built: BuiltRelease[] = [];
        for (const folder of folders) built.push(await readBuiltRelease(folder));
        const { fresh, written } = await whileSigning(flags, async (signing) => {
          const fresh = notYetSigned(built, signing.metadata.targets);
          for (const release of built) await putRelease(release, flags.repository);
          const add = fresh.map(({ bytes }) => bytes);
          const isChange = add.length > 0 || signing.areTargetsOpen;
          const written = isChange
            ? await signChange(flags, signing, { add }, now)
            : await signAbove(flags, signing, now);
          return { fresh, written };
        });
        for (const { manifest } of fresh) {
          tell(`Signed ${manifest.version} for ${manifest.target}.`);
          if (manifest.version.includes('dirty')) {
            tell('note: it holds what was never committed: nobody can build it again, and compare.');
          }
        }
        tellWritten(tell, written);
        const releases = fresh.map(({ manifest: { version, target } }) => ({ version, target }));
        answer(flags.json, { signed: releases, written });
      }),
    );
}

/**
 * @throws CalledWrongly where one of them is signed with other content
 * @throws ReleaseError `release-too-old` where one is below the floor
 */
function notYetSigned(built: readonly BuiltRelease[], targets: string | undefined): BuiltRelease[] {
  const signed = targets === undefined ? undefined : readTargets(targets);
  return built.filter(({ bytes, manifest: { version, target } }) => {
    mustReachFloor(version, signed?.floor);
    const there = signed?.releases.find((each) => each.version === version && each.target === target);
    if (there === undefined) return true;
    if (there.sha256 === createHash('sha256').update(bytes).digest('hex')) return false;
    throw new CalledWrongly(
      `${version} for ${target} is signed already, with other content: build it as another version`,
    );
  });
}
