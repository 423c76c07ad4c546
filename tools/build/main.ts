// npm run build: the two bundles that are run as they ship, so that tests run them too.
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

for (const [file, name] of [
  ['device-runtime/build.ts', 'buildGateway'],
  ['cloud/web/build.ts', 'buildWeb'],
] as const) {
  const path = join(root, file);
  if (!existsSync(path)) continue;
  const module: Record<string, () => Promise<unknown>> = await import(path);
  await module[name]?.();
}
