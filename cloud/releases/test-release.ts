import { createHash } from 'node:crypto';
import { type ReleaseManifest, type ReleaseTarget, writeManifest } from '@loadline/sdk/release';
import {
  firstRoot,
  makeRoleKey,
  nextRoot,
  nextTargets,
  type RoleKey,
  type RoleSigner,
  roleSigner,
  signRoot,
} from '@loadline/sdk/release/repository';
import type { Releases } from './releases.ts';

/** For tests: somebody who makes and signs releases, with small files in them. */

/** In hex. */
export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A release that is built: its manifest, and its packed files by their digest. */
export interface BuiltRelease {
  readonly manifest: Uint8Array;
  readonly blobs: ReadonlyMap<string, Uint8Array>;
}

/** A release of these files; what is in them is their packed form and needs no other. */
export function builtRelease(
  version: string,
  files: Readonly<Record<string, Uint8Array>>,
  target: ReleaseTarget = 'linux-arm64',
): BuiltRelease {
  const manifest: ReleaseManifest = {
    ...{ format: 1, product: 'loadline-gateway', version, target, commit: 'c0'.repeat(20) },
    ...{ committed: 1_795_000_000, node: '24.11.1', healthSeconds: 600, launcher: 1 },
    files: Object.entries(files).map(([path, bytes]) => ({
      ...{ path, executable: false, length: bytes.length, sha256: sha256(bytes) },
      packed: { length: bytes.length, sha256: sha256(bytes) },
    })),
  };
  return {
    manifest: writeManifest(manifest),
    blobs: new Map(Object.values(files).map((bytes) => [sha256(bytes), bytes])),
  };
}

/** Keys of root and targets, and what was signed with them. */
export class ReleaseManager {
  readonly root: RoleSigner = roleSigner(makeRoleKey().privateKeyPem);
  readonly targetsKey: RoleSigner = roleSigner(makeRoleKey().privateKeyPem);
  readonly roots: string[] = [];
  targets = '';
  /** ms since 1970. */
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Signs a first root, or the next one, that lets these keys sign by themselves. */
  appoint(online: { readonly snapshot: RoleKey; readonly timestamp: RoleKey }): void {
    const alone = (key: RoleKey) => ({ keys: [key], threshold: 1 });
    const roles = {
      ...{ root: alone(this.root.key), targets: alone(this.targetsKey.key) },
      ...{ snapshot: alone(online.snapshot), timestamp: alone(online.timestamp) },
    };
    const before = this.roots.at(-1);
    const root = before === undefined ? firstRoot(roles, this.#now()) : nextRoot(before, roles, this.#now());
    this.roots.push(signRoot(root, this.root, before));
  }

  /** The same by the keys that a cloud has. */
  async appointBy(releases: Pick<Releases, 'state'>): Promise<void> {
    const { keys } = await releases.state();
    const newest = (role: string) => keys.find((one) => one.role === role)?.key as RoleKey;
    this.appoint({ snapshot: newest('snapshot'), timestamp: newest('timestamp') });
  }

  /** Signs the targets with a change. */
  sign(change: Parameters<typeof nextTargets>[1]): void {
    this.targets = nextTargets(this.targets === '' ? undefined : this.targets, change, {
      ...{ signers: [this.targetsKey], now: this.#now() },
    });
  }
}

/** Sends what a release consists of, and has it taken up. */
export async function addRelease(
  releases: Releases,
  manager: ReleaseManager,
  ...built: readonly BuiltRelease[]
): Promise<boolean> {
  manager.sign({ add: built.map(({ manifest }) => manifest) });
  for (const { manifest, blobs } of built) {
    for (const bytes of [manifest, ...blobs.values()]) await sendWhole(releases, bytes);
  }
  return await releases.add(manager, async () => {});
}

/** Sends a file in one part. */
export async function sendWhole(releases: Pick<Releases, 'take'>, bytes: Uint8Array): Promise<void> {
  await releases.take({ sha256: sha256(bytes), from: 0, length: bytes.length, bytes });
}
