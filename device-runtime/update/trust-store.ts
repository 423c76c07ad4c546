import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Log, makePrivateFolder, writeWhole } from '@loadline/sdk/platform';
import * as z from 'zod';

/** The roles of a repository, in the order in which a client comes to believe them. */
const roles = ['root', 'timestamp', 'snapshot', 'targets'] as const;
type Role = (typeof roles)[number];

/** The metadata of roles, as it came. */
export type Metadata = Readonly<Partial<Record<Role, string>>>;

const trust = z.strictObject({
  version: z.literal(1),
  /** SHA-256 of the root that all the rest follows from. */
  seed: z.string(),
  /** A time that is surely past, ms since 1970. */
  wall: z.number().int().nonnegative(),
  metadata: z.strictObject({
    root: z.string().optional(),
    timestamp: z.string().optional(),
    snapshot: z.string().optional(),
    targets: z.string().optional(),
  }),
});
/** What a client of a repository believes, and since when. */
export type Trust = Omit<z.infer<typeof trust>, 'version'>;

/**
 * The folder in which that is kept: twice, since what is forgotten lets older versions in again.
 *
 *     trust.json  trust-copy.json    one line: SHA-256 of the rest; then JSON
 *     run/                           copies for tuf-js, gone after each run
 *
 * tuf-js writes its files in place and unsynced, and takes half a file for none: a power cut would make it forget. So it
 * gets copies, and what it came to believe is taken over in one piece.
 */
export class TrustStore {
  readonly #files: readonly [string, string];
  readonly #run: string;
  readonly #log: Log;

  private constructor(folder: string, log: Log) {
    this.#files = [join(folder, 'trust.json'), join(folder, 'trust-copy.json')];
    this.#run = join(folder, 'run');
    this.#log = log;
  }

  static async open(folder: string, log: Log): Promise<TrustStore> {
    await makePrivateFolder(folder);
    return new TrustStore(folder, log);
  }

  /** What is believed; undefined where that is nothing yet. The first of the two is the newer, if it is whole. */
  async read(): Promise<Trust | undefined> {
    let isDamaged = false;
    for (const file of this.#files) {
      try {
        return unpacked(await readFile(file, 'utf8'));
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        if (code === 'ENOENT') continue;
        isDamaged = true;
        this.#log.warn('trust-damaged', { file, reason: message.slice(0, 200) });
      }
    }
    if (isDamaged)
      this.#log.error('trust-lost', { reason: 'begun anew from the root it was built to trust' });
    return undefined;
  }

  /** Keeps it, in both files; one that says so already is not written again. */
  async keep(believed: Trust): Promise<void> {
    const content = packed(believed);
    for (const file of this.#files) {
      const held = await readFile(file, 'utf8').catch(() => undefined);
      if (held !== content) await writeWhole(file, content, 0o600);
    }
  }

  /** Lays copies out for a run, in the folder that is returned. */
  async layOut(metadata: Metadata): Promise<string> {
    await this.clear();
    await mkdir(this.#run, { mode: 0o700 });
    for (const [role, text] of Object.entries(metadata))
      await writeFile(join(this.#run, `${role}.json`), text);
    return this.#run;
  }

  /** What a run has left of its copies. */
  async left(): Promise<Metadata> {
    const found: Partial<Record<Role, string>> = {};
    for (const role of roles) {
      try {
        found[role] = await readFile(join(this.#run, `${role}.json`), 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    }
    return found;
  }

  async clear(): Promise<void> {
    await rm(this.#run, { recursive: true, force: true });
  }
}

/** SHA-256 in hex. */
export const digestOf = (content: string): string => createHash('sha256').update(content).digest('hex');

function packed(believed: Trust): string {
  const body = JSON.stringify({ version: 1, ...believed });
  return `${digestOf(body)}\n${body}`;
}

function unpacked(content: string): Trust {
  const end = content.indexOf('\n');
  const body = content.slice(end + 1);
  if (digestOf(body) !== content.slice(0, end)) throw new Error('it is not what was written');
  const { version: _, ...believed } = trust.parse(JSON.parse(body));
  return believed;
}
