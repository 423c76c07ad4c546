import * as z from 'zod';
import { limits } from '../contract/index.ts';
import { ReleaseError } from './errors.ts';

/** What a gateway can be: the platform part of Node's own package names. armv7 has no Node 24. */
export const releaseTargets = ['linux-arm64', 'linux-x64'] as const;
export const releaseTarget = z.enum(releaseTargets);
export type ReleaseTarget = z.infer<typeof releaseTarget>;

const versionForm =
  /^(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})(-[0-9a-z]{1,16}(\.[0-9a-z]{1,16}){0,3})?$/;
/** A release's version: three numbers, and a word where it is not a final one (semver 2.0.0 without build metadata). */
export const releaseVersion = z
  .string()
  .max(64)
  .regex(versionForm, 'is not a version like 1.4.0 or 1.4.0-rc.1');

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'is not a SHA-256 in lower-case hex');
/** A relative path of plain names: nothing in it leads out of the release, and nothing is hidden. */
const path = z
  .string()
  .max(200)
  .regex(
    /^[A-Za-z0-9_@][A-Za-z0-9_@.+-]*(\/[A-Za-z0-9_@][A-Za-z0-9_@.+-]*)*$/,
    'is not a path inside the release',
  );

/** One file of a release: what it is once it lies in its slot, and how it travels. */
export const releaseFile = z.strictObject({
  path,
  executable: z.boolean(),
  /** Bytes, and their digest, as the file lies in the slot. */
  length: z.number().int().nonnegative().max(limits.releaseFileBytes),
  sha256,
  /** The same content as one zstd frame: bytes, and their digest, which is its name (`blobs/<sha256>`). */
  packed: z.strictObject({ length: z.number().int().positive().max(limits.releaseFileBytes), sha256 }),
});
export type ReleaseFile = z.infer<typeof releaseFile>;

/**
 * What a release for one target is. The manifest is what is signed: it names each of its files by digest, so that
 * a file that an older release brought already need not travel again.
 */
export const releaseManifest = z
  .strictObject({
    format: z.literal(1),
    product: z.literal('loadline-gateway'),
    version: releaseVersion,
    target: releaseTarget,
    /** The commit it was built from, and its time in seconds since 1970. */
    commit: z.string().regex(/^[0-9a-f]{40}$/, 'is not a commit'),
    committed: z.number().int().nonnegative(),
    /** Version of the Node that is inside. */
    node: z.string().regex(/^\d+\.\d+\.\d+$/),
    /** Seconds that the new release has for reporting health, until the launcher goes back. */
    healthSeconds: z.number().int().min(10).max(3600),
    /** Version of the launcher that is inside (`launcher/loadline-launch`): a newer one takes the older one's place. */
    launcher: z.number().int().positive(),
    files: z.array(releaseFile).min(1).max(limits.releaseFiles),
  })
  .refine(({ files }) => new Set(files.map((file) => file.path.toLowerCase())).size === files.length, {
    message: 'names a path twice',
    path: ['files'],
  });
export type ReleaseManifest = z.infer<typeof releaseManifest>;

/**
 * Reads a manifest.
 *
 * @throws ReleaseError `manifest-malformed`, naming what is wrong in it
 */
export function readManifest(bytes: Uint8Array): ReleaseManifest {
  if (bytes.length > limits.releaseManifestBytes) {
    throw new ReleaseError('manifest-malformed', `the manifest has ${bytes.length} bytes, more than it may`);
  }
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new ReleaseError('manifest-malformed', `the manifest is no JSON: ${(error as Error).message}`);
  }
  const read = releaseManifest.safeParse(value);
  if (read.success) return read.data;
  const [first] = read.error.issues;
  const where = first?.path.join('.') ?? '';
  throw new ReleaseError('manifest-malformed', `the manifest's ${where || 'content'}: ${first?.message}`);
}

/** A manifest as bytes: one form for one manifest, files by path, so that the same release has the same digest. */
export function writeManifest(manifest: ReleaseManifest): Uint8Array {
  const files = [...manifest.files].sort((a, b) => (a.path < b.path ? -1 : 1));
  return new TextEncoder().encode(
    `${JSON.stringify(releaseManifest.parse({ ...manifest, files }), null, 1)}\n`,
  );
}
