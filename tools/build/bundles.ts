import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Bundles the gateway and the web page, each into its package's `dist/`. */
export async function buildBundles(root: string): Promise<void> {
  for (const [file, name] of [
    ['device-runtime/build.ts', 'buildGateway'],
    ['cloud/web/build.ts', 'buildWeb'],
  ] as const) {
    const path = join(root, file);
    if (!existsSync(path)) continue;
    const module: Record<string, () => Promise<unknown>> = await import(path);
    await module[name]?.();
  }
}
