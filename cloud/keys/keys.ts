import { randomBytes } from 'node:crypto';
import { KeysError } from './errors.ts';
import { type KeptRings, type KeptVersion, keysFile, readRings, writeRings } from './file.ts';
import {
  type Keyring,
  KeyVersion,
  keyBytes,
  type Purpose,
  purposes,
  type RingName,
  ringNames,
} from './version.ts';

const day = 24 * 3_600_000;

/** The token ring gets a new version by itself when the newest is this old. */
const tokenRotationMilliseconds = 90 * day;

/** Kept beyond the last moment at which a token could be valid: for clocks that were set. */
const marginMilliseconds = 30 * day;

export interface KeysOptions {
  /** ms since 1970. */
  readonly now: () => number;
  /** Whether the database is made at this start too: only then may there be no keys yet. */
  readonly isNew: boolean;
  /** The longest life that a token may be given, in ms: so long its key is needed. */
  readonly longestTokenMilliseconds: number;
}

/** The keys outside the database. One process has them open at a time: the one that holds the state folder. */
export class Keys implements Keyring {
  readonly #path: string;
  readonly #now: () => number;
  readonly #longestToken: number;
  #kept: KeptRings;
  #versions: Record<RingName, KeyVersion[]>;
  #changing: Promise<unknown> = Promise.resolve();

  /** See `openKeys`. */
  constructor(path: string, options: KeysOptions, kept: KeptRings) {
    this.#path = path;
    this.#now = options.now;
    this.#longestToken = options.longestTokenMilliseconds;
    this.#kept = kept;
    this.#versions = load(kept);
  }

  newest(purpose: Purpose): KeyVersion {
    return last(this.#versions[purposes[purpose]]);
  }

  version(purpose: Purpose, id: string): KeyVersion | undefined {
    return this.#versions[purposes[purpose]].find((version) => version.id === id);
  }

  /** The ids of a ring's versions, the oldest first. */
  ids(ring: RingName): string[] {
    return this.#versions[ring].map(({ id }) => id);
  }

  /** Adds a version, which new things are made with from now on, and keeps the older ones. @returns its id */
  rotate(ring: RingName): Promise<string> {
    return this.#change((rings) => {
      const added = makeVersion(this.#now());
      return [{ ...rings, [ring]: [...rings[ring], added] }, added.id];
    });
  }

  /**
   * Renews the token ring where its newest version is too old (or from the future: a clock was set), and forgets
   * the versions whose tokens have all expired. To be called once a day; `openKeys` does it too.
   * @returns whether anything changed
   */
  async rotateByItself(): Promise<boolean> {
    return this.#change((rings) => {
      const now = this.#now();
      const { made } = last(rings.token);
      const due = now - made >= tokenRotationMilliseconds || made > now + day;
      if (!due) return [rings, false];
      return [{ ...rings, token: [...this.#stillNeeded(rings.token, now), makeVersion(now)] }, true];
    });
  }

  /**
   * Forgets versions; ids that are not there are passed over. What was made with them is void: tokens are refused,
   * sealed values stay closed, derived secrets fail. For versions that nobody uses any more, and for a leak.
   * @throws KeysError `key-in-use` for the newest: `rotate` first
   */
  async forget(ring: RingName, ids: readonly string[]): Promise<void> {
    await this.#change((rings) => {
      if (ids.includes(last(rings[ring]).id)) {
        throw new KeysError(
          'key-in-use',
          `the newest version of the ring ${ring} is in use: rotate the ring, then forget it`,
        );
      }
      return [{ ...rings, [ring]: rings[ring].filter(({ id }) => !ids.includes(id)) }, undefined];
    });
  }

  /**
   * A version made tokens until the next was made. However far ahead the clock seems to be, the versions of one
   * token's life stay: a machine that for an hour believed in 2099 must not end every token.
   */
  #stillNeeded(token: readonly KeptVersion[], now: number): KeptVersion[] {
    const inOneLife = Math.ceil(this.#longestToken / tokenRotationMilliseconds) + 1;
    return token.filter((_, index) => {
      const end = (token[index + 1]?.made ?? now) + this.#longestToken + marginMilliseconds;
      return now < end || index >= token.length - inOneLife;
    });
  }

  /** One change after the other, each on disk before it holds. */
  #change<T>(change: (rings: KeptRings) => [rings: KeptRings, result: T]): Promise<T> {
    const done = this.#changing.then(async () => {
      const [rings, result] = change(this.#kept);
      if (rings !== this.#kept) {
        await writeRings(this.#path, rings);
        this.#kept = rings;
        this.#versions = load(rings);
      }
      return result;
    });
    this.#changing = done.catch(() => undefined);
    return done;
  }
}

/**
 * Opens the keys of a state folder, and makes them at the first start.
 * @throws KeysError `keys-missing`, `keys-exposed`, `keys-unreadable`
 */
export async function openKeys(folder: string, options: KeysOptions): Promise<Keys> {
  const path = keysFile(folder);
  let kept = await readRings(path);
  if (kept === undefined) {
    if (!options.isNew) {
      throw new KeysError(
        'keys-missing',
        `${path} is missing, and the database beside it holds what only these keys open: restore it from a backup`,
      );
    }
    kept = Object.fromEntries(ringNames.map((name) => [name, [makeVersion(options.now())]])) as KeptRings;
    await writeRings(path, kept);
  }
  const keys = new Keys(path, options, kept);
  await keys.rotateByItself();
  return keys;
}

/**
 * The keys of a state folder to work with and not to change: for a command, while a cloud may be at work on the folder.
 * Undefined where there are none.
 * @throws KeysError `keys-exposed`, `keys-unreadable`
 */
export async function readKeys(folder: string): Promise<Keyring | undefined> {
  const kept = await readRings(keysFile(folder));
  if (kept === undefined) return undefined;
  const versions = load(kept);
  return {
    newest: (purpose) => last(versions[purposes[purpose]]),
    version: (purpose, id) => versions[purposes[purpose]].find((version) => version.id === id),
  };
}

function makeVersion(now: number): KeptVersion {
  return {
    id: randomBytes(6).toString('base64url'),
    made: now,
    key: randomBytes(keyBytes).toString('base64url'),
  };
}

function load(kept: KeptRings): Record<RingName, KeyVersion[]> {
  const versions = (name: RingName) =>
    kept[name].map(({ id, made, key }) => new KeyVersion(id, made, Buffer.from(key, 'base64url')));
  return { token: versions('token'), seal: versions('seal'), derive: versions('derive') };
}

function last<T>(ring: readonly T[]): T {
  const version = ring.at(-1);
  if (version === undefined) throw new RangeError('a ring is never empty');
  return version;
}
