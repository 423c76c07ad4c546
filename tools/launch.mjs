// Every entry of the project starts here: `node tools/launch.mjs FILE [ARG...]`.
//
// Loadline runs on Node 24, which npm installs beside the other packages, so an older system Node is
// enough to start from. `.bin/node` is not used: npm before 11.8 silently does not link it when several
// optional packages provide it. Plain JavaScript, because the Node that starts it may not know types.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const WANTED_MAJOR = 24;

const HAND_ON_AFTER_MS = 200;

/** Path of a Node 24: this process's own, or the one npm installed for this platform. */
export function findNode() {
  if (Number(process.versions.node.split('.')[0]) === WANTED_MAJOR) return process.execPath;
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const packageName = `node-${platform}-${process.arch}`;
  try {
    const manifest = createRequire(import.meta.url).resolve(`${packageName}/package.json`);
    return join(dirname(manifest), 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  } catch {
    return undefined;
  }
}

/**
 * Runs `file` with `args` on Node 24, hands signals on, and ends as it ended.
 * `conditions` are export conditions: the checkout runs its TypeScript sources, a packed install its JavaScript.
 */
export function launch(file, args, conditions = []) {
  const node = findNode();
  if (node === undefined) {
    console.error(
      `loadline: needs Node ${WANTED_MAJOR}, and this is ${process.version} on ${process.platform}-${process.arch}. ` +
        `Run 'npm ci' (without --omit=optional), or start it with a Node ${WANTED_MAJOR} of your own.`,
    );
    process.exit(1);
  }
  const flags = conditions.map((condition) => `--conditions=${condition}`);
  const child = spawn(node, [...flags, file, ...args], { stdio: 'inherit' });
  // A signal may have been sent to this process alone or, as Ctrl-C is, to the whole group. It is handed on a moment
  // later, and only if the child is still there: a child that has had it already is likely on its way out, where a
  // second one would kill it.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      setTimeout(() => child.kill(signal), HAND_ON_AFTER_MS);
    });
  }
  child.on('error', (error) => {
    console.error(`loadline: ${node} does not start: ${error.message}`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    process.exit(signal === null ? (code ?? 1) : 128 + constants.signals[signal]);
  });
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [file, ...args] = process.argv.slice(2);
  if (file === undefined) {
    console.error('usage: node tools/launch.mjs FILE [ARG...]');
    process.exit(2);
  }
  launch(file, args, ['loadline-source']);
}
