import { rm } from 'node:fs/promises';
import { slotName } from '@loadline/sdk/contract';
import { readRegular, removeWhole, writeWhole } from '@loadline/sdk/platform';
import { releaseCodes, releaseTarget, releaseVersion } from '@loadline/sdk/release';
import * as z from 'zod';
import type { Layout } from './layout.ts';

/** What the gateway asks root for: to put the release that lies in the staging folder into a slot. */
export const installRequest = z.strictObject({
  /** The offer that it is about, or what a tool on the serial line made up. */
  id: z.uuid(),
  release: releaseVersion,
  target: releaseTarget,
});
export type InstallRequest = z.infer<typeof installRequest>;

/** The codes of refusals are those of releases, and two of the installer's own. */
const refusals = {
  ...releaseCodes,
  'slot-busy': 'both slots are in use: one runs, and one is on trial',
  'no-room': 'there is no room for the release on the disk',
} as const;
export type RefusalCode = keyof typeof refusals;

/** What root says of the last request. */
export const installResult = z.discriminatedUnion('outcome', [
  z.strictObject({
    id: z.uuid(),
    outcome: z.literal('installed'),
    slot: slotName.exclude(['factory']),
    release: releaseVersion,
    target: releaseTarget,
    /** Seconds that the release has for reporting health, as its manifest says. */
    healthSeconds: z.number().int().min(10).max(3600),
  }),
  z.strictObject({
    id: z.uuid(),
    outcome: z.literal('refused'),
    code: z.enum(Object.keys(refusals) as [RefusalCode, ...RefusalCode[]]),
    detail: z.string().max(300),
  }),
]);
export type InstallResult = z.infer<typeof installResult>;

/** More than either file has. */
const mostBytes = 4096;

/** Asks root to install what lies in the staging folder: written last, it is what `loadline-update.path` waits for. */
export async function requestInstall(layout: Layout, request: InstallRequest): Promise<void> {
  await writeWhole(layout.staging.request, `${JSON.stringify(installRequest.parse(request))}\n`, 0o600);
}

/** What lies in the staging folder goes, the request first, so that nobody takes it for whole. */
export async function clearStaging(layout: Layout): Promise<void> {
  await removeWhole(layout.staging.request).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  await rm(layout.staging.folder, { recursive: true, force: true });
}

/** What the last request came to; undefined where there was none. A file that says something else says nothing. */
export async function readInstallResult(layout: Layout): Promise<InstallResult | undefined> {
  const bytes = await readRegular(layout.installed, mostBytes).catch(() => undefined);
  if (bytes === undefined) return undefined;
  try {
    return installResult.parse(JSON.parse(bytes.toString('utf8')));
  } catch {
    return undefined;
  }
}
