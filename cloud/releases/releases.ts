import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Log, makePrivateFolder, writeWhole } from '@loadline/sdk/platform';
import { ReleaseError, type ReleaseManifest, repository } from '@loadline/sdk/release';
import {
  type CurrentMetadata,
  checkAddition,
  type NamedMetadata,
  readRepositoryFolder,
  readRoot,
  readSignedManifest,
  readTargets,
  resign,
  type SignedRelease,
  writeMetadataFiles,
} from '@loadline/sdk/release/repository';
import type { Keyring } from '../keys/index.ts';
import { Blobs, type Taken } from './blobs.ts';
import {
  forgetOlderKeys,
  keysNamedBy,
  type OnlineKey,
  openOnlineKeys,
  readOnlineKeys,
  signersNamedBy,
} from './online-keys.ts';

/** How often it is looked whether something has to be signed anew, in ms. */
const signMilliseconds = 3_600_000;

/** How long a file may lie there that is of no release: whoever sends one has that long for the others, in ms. */
const waitingMilliseconds = 7 * 86_400_000;

/** A release that is there whole, and vouched for. */
export interface KeptRelease {
  readonly signed: SignedRelease;
  readonly manifest: ReleaseManifest;
}

/** A file of the repository, as a gateway asks for it: where it lies, or, of what is replaced at its place, its content. */
export interface RepositoryFile {
  readonly at: string | Buffer;
  readonly length: number;
  /** SHA-256 of the content, in hex. */
  readonly sha256: string;
}

/** How it stands with the repository. Times are ms since 1970; undefined of what there is not. */
export interface RepositoryState {
  readonly root: { readonly version: number; readonly expires: number } | undefined;
  readonly targets: { readonly version: number; readonly expires: number } | undefined;
  /** Why nothing can be signed now, in words. */
  readonly fault: string | undefined;
  readonly keys: readonly OnlineKey[];
}

/** What somebody brings: metadata as it is signed. Their manifests and files have been sent before. */
export interface Brought {
  /** Any run of roots up to the newest; those that are here already are passed over. */
  readonly roots: readonly string[];
  readonly targets: string;
}

interface Parts {
  /** The cloud's state folder. */
  readonly folder: string;
  readonly keys: Keyring;
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** What is in force, taken together: replaced as one. */
interface InForce {
  readonly metadata: CurrentMetadata | undefined;
  readonly releases: readonly KeptRelease[];
  /** What is signed and is not here whole, in words. */
  readonly lacking: readonly string[];
  /** Everything a gateway may ask for, by its path below the repository's head. */
  readonly files: ReadonlyMap<string, RepositoryFile>;
}

/**
 * The repository of releases that gateways update themselves from, in the folder `releases/` of the cloud's state:
 *
 *     metadata/    The Update Framework's, written in an order in which a gateway never finds half of a change
 *     targets/     manifests
 *     blobs/       packed files by their digest, and what is on its way
 *     online.json  the cloud's own keys
 *
 * What is in it was signed elsewhere; the cloud signs which of it is the newest, and that it is still so.
 */
export class Releases {
  readonly #parts: Parts;
  readonly #folder: string;
  readonly #blobs: Blobs;
  #inForce: InForce = { metadata: undefined, releases: [], lacking: [], files: new Map() };
  #fault: string | undefined;
  /** One change after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  #listener: () => void = () => {};
  readonly #timer: NodeJS.Timeout;

  private constructor(parts: Parts, folder: string, blobs: Blobs) {
    this.#parts = parts;
    this.#folder = folder;
    this.#blobs = blobs;
    this.#timer = setInterval(() => void this.sign(), signMilliseconds);
    this.#timer.unref();
  }

  static async open(parts: Parts): Promise<Releases> {
    const folder = join(parts.folder, 'releases');
    await makePrivateFolder(folder);
    await openOnlineKeys(parts.folder, parts.keys, parts.now());
    const releases = new Releases(parts, folder, await Blobs.open(join(folder, repository.blobs)));
    await releases.sign();
    return releases;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#turn;
  }

  /** `listener` hears when there are other releases. There is one. */
  onChange(listener: () => void): void {
    this.#listener = listener;
  }

  /** All that are there, as they are sorted by text. */
  get all(): readonly KeptRelease[] {
    return this.#inForce.releases;
  }

  has(release: string, target: string): boolean {
    return this.all.some(({ signed }) => signed.version === release && signed.target === target);
  }

  /** A file that gateways may have, by its path below the repository's head; undefined where there is none. */
  file(path: string): RepositoryFile | undefined {
    return this.#inForce.files.get(path);
  }

  /** Why gateways cannot be updated from it, or not for long, in words; undefined where all is well. */
  get fault(): string | undefined {
    return this.#fault ?? this.#inForce.lacking[0];
  }

  /** When root or targets end, whichever is first, ms since 1970: from then on gateways take nothing. Undefined where there are none. */
  get ends(): number | undefined {
    const { metadata } = this.#inForce;
    return metadata && Math.min(readRoot(metadata.root).expires, readTargets(metadata.targets).expires);
  }

  async state(): Promise<RepositoryState> {
    const { metadata } = this.#inForce;
    const root = metadata && readRoot(metadata.root);
    const targets = metadata && readTargets(metadata.targets);
    return {
      root: root && { version: root.version, expires: root.expires },
      targets: targets && { version: targets.version, expires: targets.expires },
      fault: this.fault,
      keys: await readOnlineKeys(this.#parts.folder),
    };
  }

  /** Which of these files are not here whole, and how many bytes of each are. */
  async missing(digests: readonly string[]): Promise<{ readonly sha256: string; readonly from: number }[]> {
    const lacking = [...new Set(digests)].filter((sha256) => this.#blobs.length(sha256) === undefined);
    return await Promise.all(
      lacking.map(async (sha256) => ({ sha256, from: await this.#blobs.from(sha256) })),
    );
  }

  /** Takes a part of a file: see `Blobs`. */
  take(part: Parameters<Blobs['take']>[0]): Promise<Taken> {
    return this.#blobs.take(part);
  }

  /**
   * Puts into force what somebody brings, judged as gateways would judge it; whether it changes anything.
   *
   * @param agreed called once it is known that it holds, before anything of it is written
   * @throws ReleaseError
   */
  add(brought: Brought, agreed: (releases: readonly SignedRelease[]) => Promise<void>): Promise<boolean> {
    return this.#inTurn(async () => {
      const { now, folder } = this.#parts;
      const { metadata } = this.#inForce;
      const roots = await this.#newRoots(brought.roots, metadata?.root);
      const newest = roots.at(-1) ?? metadata?.root;
      if (newest === undefined) {
        throw new ReleaseError('metadata-refused', 'there is no root: bring all of them, from the first on');
      }
      const online = await keysNamedBy(folder, newest);
      const checked = checkAddition(metadata, { roots, targets: brought.targets }, { online, now: now() });
      if (checked.files.length === 0 && this.#inForce.lacking.length === 0) return false;
      const manifests = new Map<string, Buffer>();
      for (const signed of checked.releases) manifests.set(signed.path, await this.#manifest(signed));
      await this.#mustBeThere(checked.releases, manifests);
      await agreed(checked.releases);
      for (const [path, bytes] of manifests) await this.#writeManifest(path, bytes);
      await writeMetadataFiles(this.#folder, checked.files);
      await this.#sign();
      await forgetOlderKeys(folder, checked.root);
      return true;
    });
  }

  /** Signs what has to be signed, and takes up what is in the folder. What cannot be signed is said in `state`. */
  async sign(): Promise<void> {
    await this.#inTurn(async () => {
      await this.#sign();
      // What is left of a release that lacks something is not known here, and is wanted when that comes.
      if (this.#inForce.lacking.length > 0) return;
      await this.#blobs.sweep(this.#parts.now() - waitingMilliseconds);
    }).catch((error: Error) => {
      this.#fault = error.message;
      this.#parts.log.error('releases-not-signed', { reason: error.message });
    });
  }

  async #sign(): Promise<void> {
    const { folder, keys, now, log } = this.#parts;
    const there = await readRepositoryFolder(this.#folder);
    const { root, targets, snapshot, timestamp } = there;
    if (root === undefined || targets === undefined) return;
    const metadata: CurrentMetadata = { root, targets, snapshot, timestamp };
    // What is there is given out, though nothing new can be signed: it may hold for a while.
    await this.#takeUp(metadata, there.roots);
    const signers = await signersNamedBy(folder, root, keys);
    const files = resign(metadata, { signers, now: now() });
    await writeMetadataFiles(this.#folder, files);
    if (files.length > 0) {
      log.info('releases-signed', { files: files.map(({ name }) => name).join(', ') });
      await this.#takeUp(signedAnew(metadata, files), there.roots);
    }
    this.#fault = undefined;
    this.#listener();
  }

  /** Reads what the metadata vouches for, and gives it out from then on. */
  async #takeUp(metadata: CurrentMetadata, roots: readonly string[]): Promise<void> {
    const before = this.#inForce.metadata;
    // What gateways have read before stays while a slow one goes on with it.
    const files = new Map([...(before === undefined ? [] : inMemory(before)), ...inMemory(metadata)]);
    for (const root of roots) {
      files.set(`${repository.metadata}/${readRoot(root).version}.root.json`, content(root));
    }
    const releases: KeptRelease[] = [];
    const lacking: string[] = [];
    for (const signed of readTargets(metadata.targets).releases) {
      try {
        const { manifest, parts } = await this.#whole(signed);
        releases.push({ signed, manifest });
        for (const [path, file] of parts) files.set(path, file);
      } catch (error) {
        lacking.push(
          `${signed.version} for ${signed.target} is not here whole, add it again: ${(error as Error).message}`,
        );
      }
    }
    for (const reason of lacking) this.#parts.log.error('release-lacking', { reason });
    const isVouched = metadata.snapshot !== undefined && metadata.timestamp !== undefined;
    this.#inForce = { metadata, releases: isVouched ? releases : [], lacking, files };
    this.#blobs.keep([...files.values()].map(({ sha256 }) => sha256));
  }

  /** A release's manifest, and all of its files. @throws Error where something of it is not here */
  async #whole(signed: SignedRelease): Promise<{
    readonly manifest: ReleaseManifest;
    readonly parts: readonly (readonly [string, RepositoryFile])[];
  }> {
    const path = `${repository.targets}/${signed.path}`;
    const at = join(this.#folder, path);
    const manifest = readSignedManifest(signed, await readFile(at));
    const { length, sha256 } = signed;
    const parts = manifest.files.map(({ packed }) => {
      if (this.#blobs.length(packed.sha256) !== packed.length) throw new Error(`${packed.sha256} is missing`);
      return [
        `${repository.blobs}/${packed.sha256}`,
        { at: this.#blobs.path(packed.sha256), ...packed },
      ] as const;
    });
    return { manifest, parts: [[path, { at, length, sha256 }], ...parts] };
  }

  /** Those that are not here; one that is here must be the same. */
  async #newRoots(brought: readonly string[], current: string | undefined): Promise<readonly string[]> {
    if (current === undefined) return brought;
    const { version } = readRoot(current);
    const known = new Map(
      (await readRepositoryFolder(this.#folder)).roots.map((root) => [readRoot(root).version, root]),
    );
    return brought.filter((root) => {
      const its = readRoot(root).version;
      if (its > version) return true;
      if (known.get(its) === root) return false;
      throw new ReleaseError(
        'metadata-refused',
        `root ${its} is another than the one that is here: this is another repository`,
      );
    });
  }

  /** A manifest that is here, or was sent. */
  async #manifest(signed: SignedRelease): Promise<Buffer> {
    const kept = this.#inForce.files.get(`${repository.targets}/${signed.path}`);
    if (typeof kept?.at === 'string') return await readFile(kept.at);
    if (this.#blobs.length(signed.sha256) === undefined) {
      throw new ReleaseError(
        'file-refused',
        `the manifest of ${signed.version} for ${signed.target} is missing: send it first`,
      );
    }
    return await readFile(this.#blobs.path(signed.sha256));
  }

  async #mustBeThere(
    releases: readonly SignedRelease[],
    manifests: ReadonlyMap<string, Buffer>,
  ): Promise<void> {
    for (const signed of releases) {
      const manifest = readSignedManifest(signed, manifests.get(signed.path) ?? Buffer.alloc(0));
      const lacking = manifest.files.filter(
        ({ packed }) => this.#blobs.length(packed.sha256) !== packed.length,
      );
      if (lacking.length === 0) continue;
      throw new ReleaseError(
        'file-refused',
        `${lacking.length} files of ${signed.version} for ${signed.target} are missing: send them first`,
      );
    }
  }

  async #writeManifest(path: string, bytes: Buffer): Promise<void> {
    const place = join(this.#folder, repository.targets, path);
    await mkdir(dirname(place), { recursive: true, mode: 0o700 });
    await writeWhole(place, bytes.toString('utf8'), 0o600);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.catch(() => {}).then(work);
    this.#turn = done.catch(() => {});
    return done;
  }
}

function signedAnew(metadata: CurrentMetadata, files: readonly NamedMetadata[]): CurrentMetadata {
  const find = (ending: string) => files.find(({ name }) => name.endsWith(ending))?.content;
  return {
    ...metadata,
    snapshot: find('.snapshot.json') ?? metadata.snapshot,
    timestamp: find('timestamp.json') ?? metadata.timestamp,
  };
}

/** The files of metadata that change. */
function inMemory({ targets, snapshot, timestamp }: CurrentMetadata): (readonly [string, RepositoryFile])[] {
  const named: [string, string][] = [[`${readTargets(targets).version}.targets.json`, targets]];
  if (snapshot !== undefined) named.push([`${versionOf(snapshot)}.snapshot.json`, snapshot]);
  if (timestamp !== undefined) named.push(['timestamp.json', timestamp]);
  return named.map(([name, text]) => [`${repository.metadata}/${name}`, content(text)]);
}

function content(text: string): RepositoryFile {
  const at = Buffer.from(text);
  return { at, length: at.length, sha256: createHash('sha256').update(at).digest('hex') };
}

/** What is signed here itself needs no other look. */
function versionOf(snapshot: string): number {
  return (JSON.parse(snapshot) as { signed: { version: number } }).signed.version;
}
