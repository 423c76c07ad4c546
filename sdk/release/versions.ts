/**
 * The order of releases (semver 2.0.0, section 11): below 0 where `a` comes before `b`. What is no release's version comes
 * before every one that is.
 */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [partsOf(a), partsOf(b)];
  if (left === undefined || right === undefined)
    return Number(left !== undefined) - Number(right !== undefined);
  for (const [at, number] of left.numbers.entries()) {
    const difference = number - (right.numbers[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return compareWords(left.words, right.words);
}

function partsOf(version: string) {
  const [, core = '', words] = /^(\d+\.\d+\.\d+)(?:-([0-9a-z.]+))?$/.exec(version) ?? [];
  if (core === '') return undefined;
  return { numbers: core.split('.').map(Number), words: words?.split('.') ?? [] };
}

/** What is not final yet comes before what is; a number before a word, and where one ends first, that. */
function compareWords(a: readonly string[], b: readonly string[]): number {
  if (a.length === 0 || b.length === 0) return Number(a.length === 0) - Number(b.length === 0);
  for (let at = 0; at < Math.min(a.length, b.length); at++) {
    const [left = '', right = ''] = [a[at], b[at]];
    const [isNumber, isOther] = [/^\d+$/.test(left), /^\d+$/.test(right)];
    if (isNumber && isOther && Number(left) !== Number(right)) return Number(left) - Number(right);
    if (isNumber !== isOther) return isNumber ? -1 : 1;
    if (!isNumber && left !== right) return left < right ? -1 : 1;
  }
  return a.length - b.length;
}
