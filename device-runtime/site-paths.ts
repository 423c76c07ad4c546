import { join, resolve } from 'node:path';

/** The configuration that is in force in a folder of sites. */
export function configurationOf(folder: string): string {
  return join(resolve(folder), 'current', 'gateway.toml');
}
