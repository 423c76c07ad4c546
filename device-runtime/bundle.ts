import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Path of the bundled gateway, to be started with Node 24. In a checkout `build.ts` makes it first. */
export const bundlePath: string = fileURLToPath(
  // As TypeScript it stands in the room's folder, as JavaScript in `dist`.
  new URL(
    import.meta.url.endsWith('.ts') ? 'dist/bundle/gateway.mjs' : 'bundle/gateway.mjs',
    import.meta.url,
  ),
);

/**
 * How the bundle is started, so that a full line takes some 13 MiB less: a small heap for what lives shortly, and one
 * arena for what is allocated outside it. The launcher and its first line say the same.
 */
export const leanStart = {
  nodeFlags: ['--max-semi-space-size=1'],
  environment: { MALLOC_ARENA_MAX: '1' },
} as const;

/** Beside the bundle: the systemd units and the egress policy. */
export const packagingPath: string = join(dirname(bundlePath), 'packaging');

/** Beside the bundle: what starts it from a slot, and goes back to the release before it. */
export const launcherPath: string = join(dirname(bundlePath), 'launcher/loadline-launch');
