// @long
// The power is cut at every moment at which a gateway keeps what it believes of releases: it goes on, and lets nothing older in.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { repositoryFolder, TrustedReleases } from '@loadline/device-runtime/trust';
import { jsonLog } from '@loadline/sdk/platform';
import { ReleaseError } from '@loadline/sdk/release';
import {
  firstRoot,
  makeRoleKey,
  nextRoot,
  nextTargets,
  type RoleSigner,
  readRepositoryFolder,
  readTargets,
  resign,
  roleSigner,
  signRoot,
  writeMetadataFiles,
} from '@loadline/sdk/release/repository';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SeededRandom } from '../rig/random.ts';
import { needs } from '../runner/debian.ts';
import { DiskModel, type Syncs } from './power-cut.ts';
import { type CallEvent, readTrace, tracedFromStart } from './system-calls.ts';

const test = suite('power cut of what is believed of releases');
const strace = await needs('strace');
if (strace !== true) console.log(`skipped: power cut of what is believed of releases: ${strace}`);
const traced = strace === true ? test : test.skip;

const seed = Number(process.env.LOADLINE_SEED ?? 1);
/** Lots drawn at each moment. */
const lots = 4;

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'loadline-cut-trust-')));
const at = (...names: string[]) => join(folder, ...names);
test.after(() => rmSync(folder, { recursive: true }));

const newKey = (): RoleSigner => roleSigner(makeRoleKey().privateKeyPem);
const keys = { root: newKey(), targets: newKey(), snapshot: newKey(), timestamp: newKey() };
const now = Date.now();

/** The repository after the one in `from`: everything in it is newer, the root included. */
async function nextRepository(from: string | undefined, to: string): Promise<void> {
  if (from !== undefined) cpSync(from, to, { recursive: true });
  const { root: before, targets: old, snapshot, timestamp } = await readRepositoryFolder(to);
  const only = ({ key }: RoleSigner) => ({ keys: [key], threshold: 1 });
  const { root: rootKey, targets: targetsKey } = keys;
  const roles = {
    ...{ root: only(rootKey), targets: only(targetsKey) },
    ...{ snapshot: only(keys.snapshot), timestamp: only(keys.timestamp) },
  };
  const unsigned = before === undefined ? firstRoot(roles, now) : nextRoot(before, {}, now);
  const root = signRoot(unsigned, rootKey, before);
  const targets = nextTargets(old, {}, { signers: [targetsKey], now });
  const { version } = readTargets(targets);
  const above = resign({ root, targets, snapshot, timestamp }, { signers: keys, now });
  const own = [
    { name: `${version}.root.json`, content: root },
    { name: `${version}.targets.json`, content: targets },
  ];
  await writeMetadataFiles(to, [...own, ...above]);
}

async function look(believed: string, repository: string): Promise<void> {
  await TrustedReleases.open({
    ...{ folder: believed, root: readFileSync(join(repository, 'metadata/1.root.json'), 'utf8') },
    source: repositoryFolder(repository),
    time: { kind: 'known', by: 'system', wall: Date.now(), uncertainty: 0 },
    built: undefined,
    log: jsonLog(() => {}, Date.now),
  });
}

/** The same in a process of its own, and every call of it. */
async function lookTraced(believed: string, repository: string): Promise<CallEvent[]> {
  const trace = `${believed}.trace`;
  const program = fileURLToPath(new URL('./trust-run.ts', import.meta.url));
  const [file = '', ...words] = [...tracedFromStart(trace), process.execPath, ...process.execArgv];
  const child = spawn(file, [...words, program, believed, repository], { stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number | null];
  assert.is(code, 0);
  return await readTrace(child.pid ?? 0, trace);
}

const files = (of: string): Map<string, Buffer> => {
  const names = readdirSync(of, { withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(names.map(({ name }) => [join(of, name), readFileSync(join(of, name))]));
};

/** What was wrong after all cuts of a look at repository 3 by who believes number 2. */
async function cutEverywhere(syncs: Syncs): Promise<{ cuts: number; wrong: string[] }> {
  const believed = at(`believed-${syncs}`);
  await look(believed, at('2'));
  const start = files(believed);
  const disk = new DiskModel(start, { folder: believed, syncs });
  const random = new SeededRandom(seed);
  const wrong: string[] = [];
  let cuts = 0;
  for (const event of await lookTraced(believed, at('3'))) {
    disk.take(event);
    if (!event.target.startsWith(believed)) continue;
    for (let lot = 0; lot < lots; lot++) {
      const after = at(`cut-${syncs}-${cuts++}`);
      mkdirSync(after, { mode: 0o700 });
      disk.cut(after, random);
      const where = `${event.kind} ${event.call} ${event.target}, lot ${lot}`;
      const older = await look(after, at('1')).then(
        () => 'took the older repository',
        (error: unknown) =>
          error instanceof ReleaseError && /is less than/.test(error.message) ? undefined : String(error),
      );
      if (older !== undefined) wrong.push(`${where}: ${older}`);
      const newer = await look(after, at('3')).catch((error: Error) => error.message);
      if (newer !== undefined) wrong.push(`${where}: ${newer}`);
      rmSync(after, { recursive: true });
    }
  }
  return { cuts, wrong };
}

test.before(async () => {
  await nextRepository(undefined, at('1'));
  await nextRepository(at('1'), at('2'));
  await nextRepository(at('2'), at('3'));
});

traced('it goes on, and takes nothing older than it believed before', async () => {
  const { cuts, wrong } = await cutEverywhere('honoured');
  console.log(`${cuts} cuts, ${wrong.length} wrong (seed ${seed})`);
  assert.equal(wrong.slice(0, 10), []);
  assert.ok(cuts > 50, String(cuts));
});

traced('the control: on a disk that ignores syncs the same cuts let something older in', async () => {
  const { wrong } = await cutEverywhere('ignored');
  console.log(`of a disk that ignores syncs: ${wrong.length} wrong; the first: ${wrong[0]}`);
  assert.ok(
    wrong.some((fault) => fault.includes('took the older repository')),
    wrong.join('\n'),
  );
});

test.run();
