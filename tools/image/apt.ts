import { architecture, suite } from './recipe.ts';

/** One line of `apt-get indextargets` in this form: what this machine's own apt is configured to ask. */
export const indexForm = '$(CREATED_BY) $(REPO_URI) $(RELEASE) $(COMPONENT)';

/** Debians whose mirrors have the one that images are made of, too. */
const debians = ['bookworm', 'trixie', 'forky', 'sid', 'stable', 'testing', 'unstable', 'oldstable'];
/** What the boards' boot loaders and radios run is not free. */
const components = 'main non-free-firmware';

/**
 * Sources for an image's Debian, from the mirrors that this machine uses for its own.
 *
 * @param targets what `apt-get indextargets --format=<indexForm>` said
 * @param keyring file of Debian's keys
 * @throws Error where this machine has no mirror of Debian
 */
export function sourcesFrom(targets: string, keyring: string): string[] {
  const sources = new Set<string>();
  for (const line of targets.split('\n')) {
    const [by, uri, release, component] = line.trim().split(' ');
    if (by !== 'Packages' || component !== 'main' || uri === undefined || release === undefined) continue;
    const [name = '', ...rest] = release.split(/(?=[-/])/);
    if (!debians.includes(name)) continue;
    const part = rest.join('').replace(/^\/updates$/, '-security');
    if (!['', '-updates', '-security'].includes(part)) continue;
    sources.add(`deb [arch=${architecture} signed-by=${keyring}] ${uri} ${suite}${part} ${components}`);
  }
  if (sources.size === 0) {
    throw new Error(
      `apt on this machine asks no mirror of Debian (${debians.slice(0, 2).join(', ')}, …): images are made of Debian ` +
        `${suite}, so add its source to /etc/apt/sources.list.d, with ${components}`,
    );
  }
  return [...sources];
}

/** A package that will be in the system. */
export interface Resolved {
  readonly name: string;
  readonly version: string;
}

/**
 * What `apt-get --simulate install` would install, by name.
 *
 * @throws Error where it says nothing of the kind
 */
export function resolvedFrom(simulated: string): Resolved[] {
  const found = [...simulated.matchAll(/^Inst (\S+) \((\S+) /gm)].map(([, name = '', version = '']) => ({
    name,
    version,
  }));
  if (found.length === 0) throw new Error(`apt-get would install nothing: ${simulated.slice(-400)}`);
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}
