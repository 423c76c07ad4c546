import { applicationChannels, applicationPrefix } from '@loadline/sdk/contract';

/** The levels of an MQTT topic filter (MQTT 3.1.1, section 4.7); undefined where it is none. */
export function filterLevels(filter: string): readonly string[] | undefined {
  const levels = filter.split('/');
  const isFilter = levels.every(
    (level, index) =>
      level === '+' || (level === '#' && index === levels.length - 1) || /^[A-Za-z0-9_-]+$/.test(level),
  );
  if (!isFilter) return undefined;
  // Every topic has a first level: these two say the same.
  return filter === '+/#' ? ['#'] : levels;
}

/**
 * Whether every topic that matches `narrower` matches `wider` too. A topic is a filter without wildcards: so this also
 * says whether one matches.
 */
export function covers(wider: readonly string[], narrower: readonly string[]): boolean {
  for (const [index, level] of wider.entries()) {
    if (level === '#') return true;
    const other = narrower[index];
    // `a/#` matches `a` too (section 4.7.1.2), and `a/+` does not.
    if (other === undefined || other === '#') return false;
    if (level !== '+' && level !== other) return false;
  }
  return narrower.length === wider.length;
}

const anyDevice = applicationChannels.map((channel) => ['devices', '+', channel]);

/**
 * A subscription of an application, below its organisation: the levels behind `v1/org/<organisation>/`. Undefined where
 * it lies elsewhere, or could match no topic that there is.
 */
export function applicationFilter(organisation: string, topic: string): readonly string[] | undefined {
  const prefix = applicationPrefix(organisation);
  if (!topic.startsWith(prefix)) return undefined;
  const levels = filterLevels(topic.slice(prefix.length));
  return levels && [...anyDevice, ['notice']].some((one) => overlaps(levels, one)) ? levels : undefined;
}

/** Whether some topic matches both; `other` has no `#`. */
function overlaps(filter: readonly string[], other: readonly string[]): boolean {
  for (const [index, level] of filter.entries()) {
    if (level === '#') return index <= other.length;
    const against = other[index];
    if (against === undefined || !(level === '+' || against === '+' || level === against)) return false;
  }
  return filter.length === other.length;
}
