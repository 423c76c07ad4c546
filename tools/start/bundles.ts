import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Builds the gateway's bundle and the page where the sources are run; a packed install brings them along. */
export async function buildBundlesOfCheckout(): Promise<void> {
  if (!import.meta.url.endsWith('.ts')) return;
  // By another process, and not by an import: what an import leads to is shipped, and the build is not.
  const build = join(import.meta.dirname, '../build/main.ts');
  await promisify(execFile)(process.execPath, [...process.execArgv, build, 'bundles']);
}
