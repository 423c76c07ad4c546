import { expandScopes, type ScopePattern, scopePatterns, scopes } from '@loadline/sdk/api';
import type { Option } from '../parts/fields.ts';

/** What is said of the patterns that go beyond one resource. */
const wholeMeanings: Readonly<Record<string, string>> = {
  'all.*': 'everything, also what comes later',
  'all.read': 'everything that only reads',
};

/**
 * Scopes and their patterns to choose from, each with its meaning, those of a thing and its collection together; of
 * these, what somebody with the scopes `own` may give.
 */
export function scopeOptions(own: readonly string[]): readonly Option[] {
  const titles = new Map<string, string>();
  const options: Option[] = [];
  for (const pattern of scopePatterns) {
    const resource = resourceOf(pattern);
    const covered = [...expandScopes([pattern])];
    // All of a resource that has one thing to it is that thing.
    if (pattern === `${resource}.*` && resource !== 'all' && covered.length < 2) continue;
    if (!covered.every((scope) => own.includes(scope))) continue;
    const family = resource.replace(/s$/, '');
    const title = titles.get(family) ?? titleOf(resource);
    titles.set(family, title);
    options.push({
      value: pattern,
      label: pattern,
      hint: meaningOf(pattern),
      group: resource === 'all' ? 'Everything' : title,
    });
  }
  // The patterns come first in the table: a family's own patterns belong to its scopes.
  const order = [...new Set(options.map(({ group }) => group))];
  return options.toSorted((a, b) => order.indexOf(a.group) - order.indexOf(b.group));
}

function meaningOf(pattern: ScopePattern): string {
  const whole = wholeMeanings[pattern];
  if (whole !== undefined) return whole;
  const meaning = Object.entries(scopes).find(([scope]) => scope === pattern)?.[1].does;
  return meaning ?? `all of ${resourceOf(pattern).replaceAll('-', ' ')}, also what comes later`;
}

function titleOf(resource: string): string {
  const words = resource.replaceAll('-', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function resourceOf(pattern: string): string {
  return pattern.slice(0, pattern.lastIndexOf('.'));
}
