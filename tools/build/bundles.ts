import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { buildGateway } from '@loadline/device-runtime/build';

/** Bundles the gateway and the web page, each into its package's `dist/`. */
export async function buildBundles(root: string): Promise<void> {
  await buildGateway();
  const path = join(root, 'cloud/web/build.ts');
  if (!existsSync(path)) return;
  const module: { buildWeb(): Promise<unknown> } = await import(path);
  await module.buildWeb();
}
