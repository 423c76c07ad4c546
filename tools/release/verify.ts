import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repositoryFolder, TrustedReleases } from '@loadline/device-runtime/trust';
import { jsonLog } from '@loadline/sdk/platform';
import { readRepositoryFolder, readTargets } from '@loadline/sdk/release/repository';
import { Command } from 'commander';
import { answer, clock, teller } from '../ca/ceremony.ts';
import { attempt, CalledWrongly } from '../cloud/outcome.ts';
import { checkPacked } from './built-release.ts';
import { readRootFile } from './root-files.ts';

interface Flags {
  readonly repository: string;
  readonly root: string;
  readonly json: boolean;
}

/** `loadline release verify`: a repository, as a gateway would judge it. */
export function verifyCommand(): Command {
  return new Command('verify')
    .description(
      'judge a repository as a gateway would that was built to trust a root, and check every file of each release',
    )
    .requiredOption('--repository <dir>', 'the folder of the repository')
    .requiredOption(
      '--root <file>',
      'the root that gateways were built to trust: any of them, they follow to the newest',
    )
    .option('--json', 'one line of JSON on standard output', false)
    .action((flags: Flags) =>
      attempt('release verify', async () => {
        const wall = clock();
        const tell = teller(flags.json);
        const root = await readRootFile(flags.root);
        const { root: newest, timestamp, targets } = await readRepositoryFolder(flags.repository);
        if (newest === undefined) throw new CalledWrongly(`${flags.repository} holds no repository`);
        if (targets === undefined || timestamp === undefined) {
          throw new CalledWrongly(
            `${flags.repository} has no ${targets === undefined ? 'targets' : 'timestamp'}: a gateway would believe nothing of it. Where the ` +
              "cloud signs that, it is the cloud that has it, and that judges what 'loadline release publish' brings",
          );
        }
        const folder = await mkdtemp(join(tmpdir(), 'loadline-verify-'));
        try {
          const trusted = await TrustedReleases.open({
            ...{ folder, root, source: repositoryFolder(flags.repository), built: undefined },
            time: { kind: 'known', by: 'system', wall, uncertainty: 0 },
            log: jsonLog((line) => void process.stderr.write(line), Date.now),
          });
          const verified = [];
          for (const { version, target } of readTargets(targets).releases) {
            const { manifest } = await trusted.manifest(version, target);
            for (const file of manifest.files) await checkPacked(flags.repository, file);
            tell(
              `${version} for ${target}: ${manifest.files.length} files, of commit ${manifest.commit.slice(0, 12)}, Node ${manifest.node}`,
            );
            verified.push({ version, target, commit: manifest.commit, node: manifest.node });
          }
          tell('All of it holds, as a gateway would judge it now.');
          answer(flags.json, { verified });
        } finally {
          await rm(folder, { recursive: true });
        }
      }),
    );
}
