import { spawnSync } from 'node:child_process';

/** Builds the bundles that tests start; undefined, or what the build said where it failed. */
export function buildBundles(root: string): string | undefined {
  const build = spawnSync(process.execPath, [...process.execArgv, 'tools/build/main.ts', 'bundles'], {
    cwd: root,
    encoding: 'utf8',
  });
  if (build.status === 0) return undefined;
  return `${build.stdout}${build.stderr}the build that tests need failed: npm run build`;
}
