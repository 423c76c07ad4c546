import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ReleaseTarget } from '@loadline/sdk/release';
import { lastLine } from '../runner/debian.ts';

const tool = fileURLToPath(new URL('../../tools/main.ts', import.meta.url));
/** Milliseconds: the first release of all fetches and packs Node, the first image sets up a system by an emulated processor. */
const patience = 1_800_000;

/** A release as the shipped tool built it. */
export interface BuiltRelease {
  readonly folder: string;
  /** What lies in a slot. */
  readonly tree: string;
  readonly version: string;
}

export interface ReleaseOrder {
  readonly target: ReleaseTarget;
  /** Where its folder is put. */
  readonly out: string;
  /** Its version. Default: the sources' own. */
  readonly as?: string;
  /** Seconds that it has for reporting health. Default: the tool's. */
  readonly healthSeconds?: number;
}

/** Has `loadline release build` build one from this checkout. */
export async function buildRelease(order: ReleaseOrder): Promise<BuiltRelease> {
  const { target, out, as, healthSeconds } = order;
  const { folder, version } = (await loadline([
    ...['release', 'build', '--target', target, '--out', out, '--allow-dirty', '--json'],
    ...(as === undefined ? [] : ['--as', as]),
    ...(healthSeconds === undefined ? [] : ['--health-seconds', String(healthSeconds)]),
  ])) as { folder: string; version: string };
  return { folder, tree: join(folder, 'tree'), version };
}

/** Has `loadline image deps` install what images are built and started with; true, or one line that says why it cannot. */
export async function imageDependencies(): Promise<true | string> {
  try {
    await call(['image', 'deps']);
    return true;
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    return `npm run image:deps failed: ${lastLine(stderr || message)}`;
  }
}

const call = (words: readonly string[], environment: Readonly<Record<string, string>> = {}) =>
  promisify(execFile)(process.execPath, [...process.execArgv, tool, ...words], {
    ...{ env: { ...process.env, ...environment }, timeout: patience, maxBuffer: 64 << 20 },
  });

/** Runs `loadline` with these words, and reads the JSON that it prints last. Throws an Error with what it said. */
export async function loadline(
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const { stdout, stderr } = await call(words, environment);
  const last = stdout.trim().split('\n').at(-1) ?? '';
  try {
    return JSON.parse(last);
  } catch {
    throw new Error(`loadline ${words.join(' ')} printed no JSON: ${stdout}${stderr}`);
  }
}
