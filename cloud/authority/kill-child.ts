// Does something with an authority's folder, and is killed before its nth step on the disk: for the test beside this file.
// The steps are counted below every layer of ours, so that none can be left out.
import fs, { readFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { openKeys } from '../keys/index.ts';

const [state = '', what = '', kill = '', file = ''] = process.argv.slice(2);
const keys = await openKeys(state, { now: Date.now, isNew: false, longestTokenMilliseconds: 1 });

let steps = 0;

/** Dies before the step that it is to die before; a write is cut in the middle. */
function step(): void {
  steps += 1;
  if (steps === Number(kill)) process.kill(process.pid, 'SIGKILL');
}

const files = fs.promises as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
for (const name of ['mkdir', 'chmod', 'open', 'rename', 'rm', 'link', 'unlink', 'copyFile']) {
  const own = files[name] as (...args: unknown[]) => Promise<unknown>;
  files[name] = (...args) => {
    step();
    return own(...args);
  };
}
const handle = await fs.promises.open(new URL(import.meta.url));
const ofHandle = Object.getPrototypeOf(handle) as Record<
  string,
  (this: unknown, ...args: unknown[]) => unknown
>;
await handle.close();
const { writeFile, sync } = ofHandle;
ofHandle.writeFile = async function (content, ...rest) {
  if (steps + 1 === Number(kill)) await writeFile?.call(this, String(content).slice(0, 700));
  step();
  return await writeFile?.call(this, content, ...rest);
};
ofHandle.sync = function (...args) {
  step();
  return sync?.call(this, ...args);
};
syncBuiltinESMExports();

const { authorityFolder, install, openAuthority } = await import('./index.ts');
const folder = authorityFolder(state);
if (what === 'install') {
  const ceremony = { folder, keys, now: Date.now };
  await install(ceremony, readFileSync(file, 'utf8'), { agree: async () => {}, overlap: 'demanded' });
} else {
  await openAuthority({ folder, keys, now: Date.now, log: () => undefined });
}
process.stdout.write(`${steps}\n`);
