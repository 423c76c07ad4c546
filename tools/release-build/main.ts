// The builder as a process of its own, started by `loadline release build` with its order as JSON.
import { join } from 'node:path';
import { attempt } from '../cloud/outcome.ts';
import { buildRelease, type Order } from './release.ts';

const root = join(import.meta.dirname, '../..');
const order = JSON.parse(process.argv[2] ?? '') as Order & { json: boolean };
const progress = order.json ? process.stderr : process.stdout;

await attempt('release build', async () => {
  const { folder, manifest, debian } = await buildRelease(root, order, (line) => progress.write(`${line}\n`));
  if (!order.json) return;
  const { version, target, commit, node, files } = manifest;
  process.stdout.write(
    `${JSON.stringify({
      folder,
      debian,
      version,
      target,
      commit,
      node,
      files: files.length,
      bytes: files.reduce((sum, { length }) => sum + length, 0),
      packedBytes: files.reduce((sum, { packed }) => sum + packed.length, 0),
    })}\n`,
  );
});
