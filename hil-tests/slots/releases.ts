import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import type { Layout } from '@loadline/device-runtime/slots';
import {
  type ReleaseManifest,
  type ReleaseTarget,
  releaseTarget,
  repository,
  writeManifest,
} from '@loadline/sdk/release';
import {
  firstRoot,
  makeRoleKey,
  nextTargets,
  type RoleName,
  type RoleSigner,
  resign,
  roleSigner,
  signRoot,
} from '@loadline/sdk/release/repository';

/** A release as small as one can be, that is a whole one. */
export interface SmallRelease {
  readonly manifest: ReleaseManifest;
  readonly bytes: Uint8Array;
  readonly files: ReadonlyMap<string, Buffer>;
  readonly blobs: ReadonlyMap<string, Buffer>;
}

/** What this machine runs. */
const machine: ReleaseTarget = releaseTarget.parse(`linux-${process.arch}`);

/** @param files content by path; what has a shell's first line can be run */
export function smallRelease(
  version: string,
  launcher: number,
  files: ReadonlyMap<string, Buffer>,
): SmallRelease {
  const blobs = new Map<string, Buffer>();
  const listed = [...files].map(([path, content]) => {
    const packed = zstdCompressSync(content);
    blobs.set(sha256(packed), packed);
    return {
      path,
      executable: content.subarray(0, 2).toString() === '#!',
      length: content.length,
      sha256: sha256(content),
      packed: { length: packed.length, sha256: sha256(packed) },
    };
  });
  const manifest: ReleaseManifest = {
    ...{ format: 1, product: 'loadline-gateway', version, target: machine, launcher, files: listed },
    ...{ commit: 'c'.repeat(40), committed: 1_790_000_000, node: '24.0.0', healthSeconds: 600 },
  };
  return { manifest, bytes: writeManifest(manifest), files, blobs };
}

/** A repository that signs releases, with one key for each role. */
export class SmallRepository {
  readonly root: string;
  readonly #keys: Record<RoleName, RoleSigner>;
  readonly #metadata = new Map<string, string>();
  #targets: string | undefined;

  constructor() {
    const newKey = () => roleSigner(makeRoleKey().privateKeyPem);
    this.#keys = { root: newKey(), targets: newKey(), snapshot: newKey(), timestamp: newKey() };
    const only = (role: RoleName) => ({ keys: [this.#keys[role].key], threshold: 1 });
    const roles = {
      ...{ root: only('root'), targets: only('targets') },
      ...{ snapshot: only('snapshot'), timestamp: only('timestamp') },
    };
    this.root = signRoot(firstRoot(roles, Date.now()), this.#keys.root, undefined);
  }

  /** Signs a release, and what stands above it. */
  publish({ bytes }: SmallRelease): void {
    const now = Date.now();
    const { targets, snapshot, timestamp } = this.#keys;
    this.#targets = nextTargets(this.#targets, { add: [bytes] }, { signers: [targets], now });
    const { version } = JSON.parse(this.#targets).signed as { version: number };
    this.#metadata.set(`${version}.targets.json`, this.#targets);
    const before = this.#metadata.get(`${version - 1}.snapshot.json`);
    const current = {
      ...{ root: this.root, targets: this.#targets, snapshot: before },
      timestamp: this.#metadata.get('timestamp.json'),
    };
    for (const { name, content } of resign(current, { signers: { snapshot, timestamp }, now })) {
      this.#metadata.set(name, content);
    }
  }

  /** Lays out what a gateway stages for a release, and asks for it. */
  stage({ staging }: Layout, { manifest, bytes, blobs }: SmallRelease, id: string): void {
    rmSync(staging.folder, { recursive: true, force: true });
    mkdirSync(staging.metadata, { recursive: true });
    mkdirSync(staging.blobs);
    for (const [name, content] of this.#metadata)
      writeFileSync(join(staging.folder, repository.metadata, name), content);
    writeFileSync(staging.manifest, bytes);
    for (const [digest, blob] of blobs) writeFileSync(join(staging.blobs, digest), blob);
    const { version: release, target } = manifest;
    writeFileSync(staging.request, JSON.stringify({ id, release, target }));
  }
}

/** Lays a release out as it lies in a slot. */
export function layOut(folder: string, { bytes, files, manifest }: SmallRelease): void {
  for (const { path, executable } of manifest.files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), files.get(path) ?? '', { mode: executable ? 0o755 : 0o644 });
  }
  writeFileSync(join(folder, 'manifest.json'), bytes);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
