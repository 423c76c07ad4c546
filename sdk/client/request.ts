import { apiPrefix, type Operation } from '../api/index.ts';

/** An operation's parameters, query and body, whatever operation it is. */
export interface AnyInput {
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
  readonly [parameter: string]: unknown;
}

/** The path and query of a call. @throws Error where a parameter of the path is missing */
export function pathOf({ path }: Operation, input: AnyInput): string {
  const filled = path.replace(/:([a-z]+)/g, (_, name: string) => {
    const value = input[name];
    if (typeof value !== 'string' || value === '') throw new Error(`${path} needs ${name}`);
    return encodeURIComponent(value);
  });
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(input.query ?? {})) {
    if (value !== undefined) query.set(name, String(value));
  }
  return `${apiPrefix}${filled}${query.size > 0 ? `?${query}` : ''}`;
}
