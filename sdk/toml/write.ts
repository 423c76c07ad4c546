import { stringify } from 'smol-toml';

/**
 * A table as TOML text, as `parseToml` reads it again.
 *
 * @throws TypeError where a value is none that TOML has, such as null in a list
 */
export function tomlText(table: Readonly<Record<string, unknown>>): string {
  return stringify(table);
}
