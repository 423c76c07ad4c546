import { spawn } from 'node:child_process';
import { join } from 'node:path';

/** One check: a program below node_modules, run by this process's Node in the workspace's root. */
export interface Step {
  name: string;
  program: string;
  args: readonly string[];
}

export interface StepResult {
  passed: boolean;
  seconds: number;
  output: string;
}

/** The rules of biome that carry the import directions and the purity of protocol code: see `overrides` in biome.json. */
const DIRECTION_RULES = ['style/noRestrictedImports', 'style/noRestrictedGlobals'];

const BIOME = '@biomejs/biome/bin/biome';
const ALL = '--max-diagnostics=none';

/** Every violation fails one step only, so that the failing line says what kind it is. */
export const STEPS: readonly Step[] = [
  { name: 'types', program: 'typescript/bin/tsc', args: ['-p', 'tsconfig.json'] },
  {
    name: 'lint',
    program: BIOME,
    args: ['lint', '--error-on-warnings', ALL, ...DIRECTION_RULES.map((rule) => `--skip=${rule}`)],
  },
  { name: 'format', program: BIOME, args: ['check', '--linter-enabled=false', '--error-on-warnings', ALL] },
  {
    name: 'import directions',
    program: BIOME,
    args: ['lint', ALL, ...DIRECTION_RULES.map((rule) => `--only=${rule}`)],
  },
  { name: 'unused exports and dependencies', program: 'knip/bin/knip.js', args: ['--no-config-hints'] },
];

/** Runs one step on the workspace at `root`. */
export function runStep({ program, args }: Step, root: string): Promise<StepResult> {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'node_modules', program), ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.once('error', reject);
    child.once('close', (code) => {
      const seconds = (performance.now() - started) / 1000;
      resolve({ passed: code === 0, seconds, output: Buffer.concat(chunks).toString() });
    });
  });
}
