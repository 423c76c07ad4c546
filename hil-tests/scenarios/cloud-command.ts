import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { cloudProgram } from '@loadline/cloud';

/** Runs `loadline-cloud` on the command line, to its end. */
export function cloudCommand(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const words = [...process.execArgv, fileURLToPath(cloudProgram), ...args];
  return new Promise((resolve) => {
    const child = execFile(process.execPath, words, (_error, out, err) =>
      resolve({ code: child.exitCode ?? -1, out, err }),
    );
  });
}
