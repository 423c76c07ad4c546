import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';

/** Version of this package. */
export function ownVersion(): string {
  const path = findPackageJSON('.', import.meta.url);
  if (path === undefined)
    throw new Error(`no package.json above ${import.meta.url}: install @loadline/tools again`);
  const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string };
  return version;
}
