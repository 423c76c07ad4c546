type Options = Readonly<Record<string, unknown>>;

/**
 * Refuses options that a driver does not have: a key spelt wrong would otherwise be a setting silently ignored.
 *
 * @throws Error naming the key and what there is
 */
export function onlyOptions(driver: string, options: Options, known: readonly string[]): void {
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue;
    const allowed = known.length === 0 ? 'it has none' : `it has ${known.join(', ')}`;
    throw new Error(`options.${key} is not an option of driver "${driver}": ${allowed}`);
  }
}

/** A text of `least..most` characters, or `fallback` where the key is missing. @throws Error naming the key */
export function textOption(
  options: Options,
  key: string,
  range: { readonly least: number; readonly most: number; readonly fallback?: string },
): string {
  const value = options[key] ?? range.fallback;
  if (typeof value === 'string' && value.length >= range.least && value.length <= range.most) return value;
  throw new Error(`options.${key} must be text of ${range.least} to ${range.most} characters, in quotes`);
}

/** A whole number within `least..most`, or `fallback` where the key is missing. @throws Error naming the key */
export function wholeOption(
  options: Options,
  key: string,
  range: { readonly least: number; readonly most: number; readonly fallback: number },
): number {
  const value = options[key] ?? range.fallback;
  if (typeof value === 'number' && Number.isInteger(value) && value >= range.least && value <= range.most) {
    return value;
  }
  throw new Error(`options.${key} must be a whole number from ${range.least} to ${range.most}`);
}
