import { fingerprintInGroups } from '@loadline/sdk/identity';
import {
  keyIdOf,
  missingSignatures,
  readRepositoryFolder,
  readRoot,
  readTargets,
} from '@loadline/sdk/release/repository';
import { Command } from 'commander';
import { answer, iso, teller } from '../ca/ceremony.ts';
import { attempt, CalledWrongly } from '../cloud/outcome.ts';
import { readPublicKeys } from './role-keys.ts';
import { readRootFile } from './root-files.ts';
import { missingLines, rootAnswer, rootLines } from './telling.ts';

interface Flags {
  readonly repository?: string;
  readonly json: boolean;
}

/** `loadline release show`: who may sign what, what is signed, and until when. */
export function showCommand(): Command {
  return new Command('show')
    .description(
      'show who may sign what, what is signed and until when: of a repository, of roots and of public keys',
    )
    .argument('[files...]', 'roots (<n>.root.json) and public keys (.pub.json)')
    .option('--repository <dir>', 'the folder of a repository')
    .option('--json', 'one line of JSON on standard output', false)
    .action((files: string[], flags: Flags) =>
      attempt('release show', async () => {
        if (flags.repository === undefined && files.length === 0) {
          throw new CalledWrongly('show what? give --repository, or files');
        }
        const tell = flags.json ? () => {} : teller(false);
        const shown: object[] = [];
        if (flags.repository !== undefined) shown.push(await showRepository(flags.repository, tell));
        for (const path of files) shown.push(await showFile(path, tell));
        answer(flags.json, { items: shown });
      }),
    );
}

async function showRepository(folder: string, tell: (line: string) => void): Promise<object> {
  const { root, targets, snapshot, timestamp } = await readRepositoryFolder(folder);
  if (root === undefined) throw new CalledWrongly(`${folder} holds no repository`);
  for (const line of rootLines(readRoot(root))) tell(line);
  const signed = targets === undefined ? undefined : readTargets(targets);
  if (signed !== undefined) tell(`targets ${signed.version}, until ${iso(signed.expires)}`);
  if (signed?.floor !== undefined) tell(`  no gateway takes what is older than ${signed.floor}`);
  for (const { version, target, sha256 } of signed?.releases ?? [])
    tell(`  ${version} for ${target}, manifest ${sha256.slice(0, 16)}…`);
  const online = { snapshot: untilOf(snapshot), timestamp: untilOf(timestamp) };
  for (const [role, until] of Object.entries(online))
    tell(until === undefined ? `${role}: none here, the cloud signs it` : `${role}, until ${until}`);
  return {
    root: rootAnswer(readRoot(root)),
    ...(signed !== undefined && {
      targets: { version: signed.version, until: iso(signed.expires), floor: signed.floor ?? null },
    }),
    releases: signed?.releases ?? [],
    ...online,
  };
}

function untilOf(content: string | undefined): string | undefined {
  return content === undefined ? undefined : iso(Date.parse(JSON.parse(content).signed.expires));
}

async function showFile(path: string, tell: (line: string) => void): Promise<object> {
  if (/\.pub\.json$/.test(path)) {
    const keys = (await readPublicKeys(path)).map(({ role, key }) => ({ role, id: keyIdOf(key) }));
    for (const { role, id } of keys) tell(`a key for ${role}:\n  ${fingerprintInGroups(id)}`);
    return { path, keys };
  }
  const root = await readRootFile(path);
  for (const line of rootLines(readRoot(root))) tell(line);
  const missing = missingSignatures(root, undefined);
  for (const line of missingLines(missing)) tell(line);
  return { path, root: rootAnswer(readRoot(root)), missing };
}
