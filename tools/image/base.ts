import { mkdir, mkdtemp, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { indexForm, type Resolved, resolvedFrom, sourcesFrom } from './apt.ts';
import type { Board } from './boards.ts';
import { architecture, keyOf, mmdebstrapWords, type Recipe, recipeOf } from './recipe.ts';
import { run } from './run.ts';
import type { Steps } from './steps.ts';

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** A base system as a tarball, and what it was made of. */
export interface Base {
  readonly key: string;
  readonly path: string;
  readonly packages: readonly Resolved[];
}

/**
 * The base system for a board: the one that is kept, or a new one. What was downloaded is kept, and half a download goes on
 * where it ended.
 *
 * @param source `archive` asks Debian what is new; `kept` takes the newest kept one of this recipe, without a network
 */
export async function baseFor(
  board: Board,
  cache: string,
  source: 'archive' | 'kept',
  steps: Steps,
): Promise<Base> {
  const hooks = join(import.meta.dirname, 'initramfs');
  const recipe = recipeOf(board, {
    hook: await readFile(join(hooks, 'hook'), 'utf8'),
    'loadline-grow': await readFile(join(hooks, 'loadline-grow'), 'utf8'),
  });
  const bases = join(cache, 'bases');
  const recipeKey = keyOf(recipe, []);
  if (source === 'kept') return await newestKept(bases, recipeKey);

  const apt = await steps.step('ask Debian what there is', () => prepareApt(cache));
  const packages = await steps.step('resolve packages', async () => await resolve(recipe, apt));
  const key = keyOf(
    recipe,
    packages.map(({ name, version }) => `${name} ${version}`),
  );
  const path = join(bases, `${recipeKey}-${key}.tar`);
  if (await isThere(path)) {
    steps.note(`base system ${key}: kept, ${packages.length} packages`);
    return { key, path, packages };
  }
  await steps.step(`download ${packages.length} packages`, async () => {
    await run('apt-get', [...apt.options, '-y', '--download-only', 'install', ...wanted(recipe)], {
      log: join(cache, 'download.log'),
    });
  });
  await steps.step(`make the base system (emulated: some minutes; ${join(cache, 'base.log')})`, async () => {
    await make(recipe, cache, apt.sources, path);
    await writeFile(`${path}.json`, JSON.stringify(packages));
  });
  return { key, path, packages };
}

interface Apt {
  readonly options: readonly string[];
  readonly sources: string;
}

/** An apt of its own: another architecture, another system, nothing of this machine's but its mirrors and proxies. */
async function prepareApt(cache: string): Promise<Apt> {
  const folder = join(cache, 'apt');
  const archives = join(cache, 'packages');
  await mkdir(join(folder, 'lists/partial'), { recursive: true });
  await mkdir(join(archives, 'partial'), { recursive: true });
  const sources = `${sourcesFrom(await run('apt-get', ['indextargets', `--format=${indexForm}`]), keyring).join('\n')}\n`;
  const list = join(folder, 'sources.list');
  await writeFile(list, sources);
  await writeFile(join(folder, 'status'), '');
  const options = Object.entries({
    'APT::Architecture': architecture,
    'APT::Architectures': architecture,
    'APT::Install-Recommends': 'false',
    // The user that apt downloads by may not look into somebody's cache.
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '3',
    'Dir::Etc::SourceList': list,
    'Dir::Etc::SourceParts': '/dev/null',
    'Dir::State::Lists': join(folder, 'lists'),
    'Dir::State::Status': join(folder, 'status'),
    'Dir::Cache::Archives': archives,
    'Dir::Cache::pkgcache': '',
    'Dir::Cache::srcpkgcache': '',
    'Debug::NoLocking': 'true',
  }).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  await run('apt-get', [...options, 'update', '--error-on=any'], { log: join(cache, 'download.log') });
  return { options, sources };
}

function wanted({ packages }: Recipe): string[] {
  return ['?essential', ...packages];
}

async function resolve(recipe: Recipe, apt: Apt): Promise<Resolved[]> {
  return resolvedFrom(await run('apt-get', [...apt.options, '--simulate', 'install', ...wanted(recipe)]));
}

async function make(recipe: Recipe, cache: string, sources: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  // Of its own: another build may be under way.
  const work = await mkdtemp(join(dirname(path), '.base-'));
  try {
    await makeIn(work, recipe, cache, sources, path);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function makeIn(
  work: string,
  recipe: Recipe,
  cache: string,
  sources: string,
  path: string,
): Promise<void> {
  const skeleton = join(work, 'skeleton');
  for (const [name, content] of Object.entries(recipe.initramfs)) {
    const file = join(skeleton, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content, { mode: content.startsWith('#!') ? 0o755 : 0o644 });
  }
  const fresh = join(work, 'base.tar');
  await run('mmdebstrap', mmdebstrapWords(recipe, { skeleton, packages: join(cache, 'packages') }, fresh), {
    input: sources,
    environment: { SOURCE_DATE_EPOCH: String(recipe.epoch) },
    log: join(cache, 'base.log'),
  });
  const file = await open(fresh, 'r');
  await file.sync();
  await file.close();
  await rename(fresh, path);
}

async function newestKept(bases: string, recipeKey: string): Promise<Base> {
  const all = await readdir(bases).catch((): string[] => []);
  // As isThere judges: a tarball whose packages are not noted is of a build that was cut off.
  const names = all.filter(
    (name) => name.startsWith(`${recipeKey}-`) && name.endsWith('.tar') && all.includes(`${name}.json`),
  );
  const times = await Promise.all(names.map(async (name) => (await stat(join(bases, name))).mtimeMs));
  const newest = names[times.indexOf(Math.max(...times))];
  if (newest === undefined) {
    throw new Error(`no base system of this recipe is kept in ${bases}: build once without --offline`);
  }
  const path = join(bases, newest);
  const packages = JSON.parse(await readFile(`${path}.json`, 'utf8')) as Resolved[];
  return { key: newest.slice(recipeKey.length + 1, -'.tar'.length), path, packages };
}

async function isThere(path: string): Promise<boolean> {
  // Written after the tarball: one without it is not whole.
  return await stat(`${path}.json`).then(
    () => true,
    () => false,
  );
}
