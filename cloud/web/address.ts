/** What every path of the API is below. */
const prefix = '/api/v1';

type Word = string | number | boolean;

/**
 * The address of an operation: its path with its parameters filled in, and its query. What is undefined, null or empty
 * in the query was not asked for and is left out.
 */
export function addressOf(
  path: string,
  parameters: Readonly<Record<string, unknown>> = {},
  query: Readonly<Record<string, Word | null | undefined>> = {},
): string {
  const filled = path.replace(/:([a-z]+)/g, (_, name: string) => {
    const value = parameters[name];
    if (typeof value !== 'string' || value === '') throw new Error(`${path} needs ${name}`);
    return encodeURIComponent(value);
  });
  const asked = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value === null || value === '' ? [] : [[name, String(value)]],
  );
  const words = new URLSearchParams(asked).toString();
  return `${prefix}${filled}${words === '' ? '' : `?${words}`}`;
}
