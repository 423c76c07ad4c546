import { Readable } from 'node:stream';
import { limits } from '@loadline/sdk/contract';
import { type Log, lockFolder } from '@loadline/sdk/platform';
import {
  floorIn,
  manifestTarget,
  mustReachFloor,
  ReleaseError,
  type ReleaseManifest,
  type ReleaseTarget,
  readManifest,
} from '@loadline/sdk/release';
import { Updater } from 'tuf-js';
import * as z from 'zod';
import type { Time } from '../clock/index.ts';
import type { ReleaseSource } from './release-source.ts';
import { digestOf, type Metadata, TrustStore } from './trust-store.ts';
import { mustKnowTheTime } from './trusted-time.ts';
import { inReleaseTerms } from './tuf-errors.ts';
import { metadataBase, type TimeUp, TufFetcher } from './tuf-fetcher.ts';

/** Bytes that a root may have, as tuf-js has it. */
const rootMaxLength = 512_000;

export interface TrustOptions {
  /** Where to keep what is believed (see `TrustStore`): made if it is not there, and its owner's alone. */
  readonly folder: string;
  /** The root that this gateway was built to trust: what its `root.json` says. */
  readonly root: string;
  readonly source: ReleaseSource;
  /** What is known of the time, now. */
  readonly time: Time;
  /** When this software was built, ms since 1970: it is later than that. Undefined where that is not known. */
  readonly built: number | undefined;
  readonly log: Log;
  /** Keeps the time limit of each file; by the clock of the machine unless a test says otherwise. */
  readonly timeUp?: TimeUp;
}

/** A file by its name in `metadata/` of a repository. */
export interface MetadataFile {
  readonly name: string;
  readonly content: string;
}

/** A manifest that is signed, whole, and about the release that was asked for. */
export interface TrustedManifest {
  readonly bytes: Buffer;
  readonly manifest: ReleaseManifest;
}

/**
 * What a repository has signed, as far as the client workflow of The Update Framework (specification 1.0, section 5) believes
 * it; tuf-js is that. What is added to it here: the time must be known before it starts, what it came to believe outlives
 * power cuts, and an answer without an end does not hold it up.
 */
export class TrustedReleases {
  readonly #updater: Updater;
  readonly #fetcher: TufFetcher;
  readonly #seed: string;
  readonly #metadata: Metadata;

  private constructor(updater: Updater, fetcher: TufFetcher, seed: string, metadata: Metadata) {
    this.#updater = updater;
    this.#fetcher = fetcher;
    this.#seed = seed;
    this.#metadata = metadata;
  }

  /**
   * Takes the newest metadata from the source, and believes it or not. What was proven on the way, such as a newer root,
   * is kept also where it ends in an error. One at a time for a folder.
   *
   * @throws ReleaseError `time-untrusted`, `source-failed`, `metadata-refused`, `metadata-expired`, `storage-failed`
   */
  static async open(options: TrustOptions): Promise<TrustedReleases> {
    const { folder, root, source, timeUp = (limit) => AbortSignal.timeout(limit) } = options;
    const store = await orStorageFailed(folder, () => TrustStore.open(folder, options.log));
    const leave = await orStorageFailed(folder, () => lockFolder(folder));
    try {
      const before = await store.read();
      const past = mustKnowTheTime(options.time, {
        ...{ floor: before?.wall ?? 0, built: options.built, system: Date.now() },
      });
      const seed = digestOf(root);
      // Another root than the one that all the rest followed from came with the software: it is the one to trust now. What the
      // other roles said stays: whether it holds under this one is for tuf-js to see.
      const believed = before?.seed === seed ? before.metadata : { ...before?.metadata, root };
      const fetcher = new TufFetcher(source, timeUp);
      const keep = async (wall: number): Promise<Metadata> => {
        const metadata = await store.left();
        mustBeWhole(metadata, believed, fetcher);
        await store.keep({ seed, wall, metadata });
        return metadata;
      };
      const floor = before?.wall ?? 0;
      const metadataDir = await orStorageFailed(folder, () => store.layOut(believed));
      let updater: Updater;
      try {
        // No roles below targets: whoever may sign a release is named in the root.
        const config = { rootMaxLength, maxDelegations: 0 };
        updater = new Updater({ metadataDir, metadataBaseUrl: metadataBase, fetcher, config });
        await updater.refresh();
      } catch (error) {
        await orStorageFailed(folder, () => keep(floor));
        throw inReleaseTerms(error, fetcher);
      }
      // Only now: a clock that somebody forged makes metadata look out of date, and must not shut out for good what is not.
      const metadata = await orStorageFailed(folder, () => keep(Math.max(floor, past)));
      return new TrustedReleases(updater, fetcher, root, metadata);
    } finally {
      await store.clear();
      await leave();
    }
  }

  /**
   * The manifest of a release.
   *
   * @throws ReleaseError `release-too-old`, `release-unknown`, `source-failed`, `metadata-refused`, `manifest-malformed`
   */
  async manifest(version: string, target: ReleaseTarget): Promise<TrustedManifest> {
    mustReachFloor(version, floorIn(signedIn(this.#metadata.targets ?? '{}')));
    const name = manifestTarget(version, target);
    const info = await this.#updater.getTargetInfo(name);
    if (info === undefined) {
      throw new ReleaseError(
        'release-unknown',
        `no release ${version} for ${target} is signed: it was withdrawn, or never made`,
      );
    }
    const { sha256 } = info.hashes;
    if (sha256 === undefined || info.length > limits.releaseManifestBytes) {
      throw new ReleaseError(
        'metadata-refused',
        `${name} has no SHA-256, or is longer than a manifest may be`,
      );
    }
    const path = name.replace(/[^/]+$/, (base) => `${sha256}.${base}`);
    const bytes = await this.#inReleaseTerms(async () => {
      const taken = await this.#fetcher.target(path, info.length);
      await info.verify(Readable.from([taken]));
      return taken;
    });
    const manifest = readManifest(bytes);
    if (manifest.version === version && manifest.target === target) return { bytes, manifest };
    throw new ReleaseError(
      'metadata-refused',
      `${name} is the manifest of ${manifest.version} for ${manifest.target}: whoever signed it took one for another`,
    );
  }

  /**
   * All the metadata that somebody who was built to trust the same root needs to come to believe the same, however long he was
   * away: the roots since then, and the newest of the other roles.
   *
   * @throws ReleaseError `source-failed`
   */
  async evidence(): Promise<MetadataFile[]> {
    const { root = this.#seed, timestamp = '', snapshot = '', targets = '' } = this.#metadata;
    const files: MetadataFile[] = [];
    for (let version = versionIn(this.#seed) + 1; version <= versionIn(root); version++) {
      const name = `${version}.root.json`;
      const bytes = await this.#inReleaseTerms(() =>
        this.#fetcher.downloadBytes(`${metadataBase}${name}`, rootMaxLength),
      );
      files.push({ name, content: bytes.toString('utf8') });
    }
    return [
      ...files,
      { name: 'timestamp.json', content: timestamp },
      { name: `${versionIn(snapshot)}.snapshot.json`, content: snapshot },
      { name: `${versionIn(targets)}.targets.json`, content: targets },
    ];
  }

  async #inReleaseTerms<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw inReleaseTerms(error, this.#fetcher);
    }
  }
}

/** What tuf-js left is what it had or what came: anything else is a file that the disk did not take whole. */
function mustBeWhole(left: Metadata, had: Metadata, fetcher: TufFetcher): void {
  for (const [role, content] of Object.entries(left)) {
    if (content === had[role as keyof Metadata] || fetcher.isFetched(content)) continue;
    throw new Error(`${role}.json was not written whole`);
  }
}

async function orStorageFailed<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ReleaseError) throw error;
    throw new ReleaseError('storage-failed', `${folder}: ${(error as Error).message}`);
  }
}

const versioned = z.object({ signed: z.object({ version: z.number() }) });
const anySigned = z.object({ signed: z.unknown() });

/** What is signed of metadata that was verified. */
const signedIn = (content: string): unknown => anySigned.parse(JSON.parse(content)).signed;

/** The version of metadata that was verified. */
const versionIn = (content: string): number => versioned.parse(JSON.parse(content)).signed.version;
