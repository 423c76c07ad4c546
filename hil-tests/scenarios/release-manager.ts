import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { releasePartBytes } from '@loadline/sdk/api';
import {
  firstRoot,
  makeRoleKey,
  nextTargets,
  type RoleKey,
  roleSigner,
  signRoot,
} from '@loadline/sdk/release/repository';
import type { CloudProcess } from '../system/index.ts';
import type { ReleaseFolder } from './updated-site.ts';

/** What a release manager keeps: keys, and what he signed last. */
export interface KeptByManager {
  readonly root: string;
  readonly targets: string;
  readonly rootMetadata: string;
}

/** Whoever releases for the gateways of one cloud: holds the keys of root and targets, and brings releases. */
export class ReleaseManager {
  readonly #cloud: CloudProcess;
  /** Private keys. */
  readonly #root: string;
  readonly #targets: string;
  readonly #rootMetadata: string;
  #targetsMetadata: string | undefined;

  private constructor(cloud: CloudProcess, kept: KeptByManager) {
    this.#cloud = cloud;
    this.#root = kept.root;
    this.#targets = kept.targets;
    this.#rootMetadata = kept.rootMetadata;
  }

  /** The one who kept that, before he has signed any release. */
  static return(cloud: CloudProcess, kept: KeptByManager): ReleaseManager {
    return new ReleaseManager(cloud, kept);
  }

  /** For who returns. */
  get kept(): KeptByManager {
    return { root: this.#root, targets: this.#targets, rootMetadata: this.#rootMetadata };
  }

  /** Makes the first root, which lets the cloud sign by itself what changes often. */
  static async appoint(cloud: CloudProcess): Promise<ReleaseManager> {
    const [rootKey, targetsKey] = [makeRoleKey(), makeRoleKey()];
    const { keys } = await cloud.client.getRepository();
    const online = (role: 'snapshot' | 'timestamp') => {
      const key = keys.find((each) => each.role === role)?.public;
      if (key === undefined) throw new Error(`the cloud has no key for ${role}`);
      const known: RoleKey = { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: key } };
      return { keys: [known], threshold: 1 };
    };
    const own = ({ key }: { readonly key: RoleKey }) => ({ keys: [key], threshold: 1 });
    const unsigned = firstRoot(
      {
        ...{ root: own(rootKey), targets: own(targetsKey) },
        ...{ snapshot: online('snapshot'), timestamp: online('timestamp') },
      },
      Date.now(),
    );
    return new ReleaseManager(cloud, {
      root: rootKey.privateKeyPem,
      targets: targetsKey.privateKeyPem,
      rootMetadata: signRoot(unsigned, roleSigner(rootKey.privateKeyPem), undefined),
    });
  }

  /** The root that gateways trust. */
  get root(): string {
    return this.#rootMetadata;
  }

  /** Signs releases and brings them to the cloud; from then on they can be rolled out. */
  async publish(releases: readonly ReleaseFolder[]): Promise<void> {
    const files = new Map<string, Buffer>();
    const manifests: Buffer[] = [];
    for (const { folder } of releases) {
      const manifest = await readFile(join(folder, 'manifest.json'));
      manifests.push(manifest);
      files.set(createHash('sha256').update(manifest).digest('hex'), manifest);
      for (const name of await readdir(join(folder, 'blobs'))) {
        files.set(name, await readFile(join(folder, 'blobs', name)));
      }
    }
    const signers = [roleSigner(this.#targets)];
    this.#targetsMetadata = nextTargets(
      this.#targetsMetadata,
      { add: manifests },
      { signers, now: Date.now() },
    );
    const { client } = this.#cloud;
    const { missing } = await client.beginUpload({ body: { files: [...files.keys()] } });
    for (const { sha256 } of missing) {
      const bytes = files.get(sha256) as Buffer;
      for (let from = 0; from < bytes.length; from += releasePartBytes) {
        const data = bytes.subarray(from, from + releasePartBytes).toString('base64');
        await client.putReleasePart({ file: sha256, body: { from, length: bytes.length, data } });
      }
    }
    await client.addReleases({ body: { roots: [this.#rootMetadata], targets: this.#targetsMetadata } });
  }
}
