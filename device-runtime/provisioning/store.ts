import { randomBytes } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import type * as z from 'zod';
import type { SiteDisk } from './disk.ts';
import { type Ownership, ownershipRecord, type SiteRecord, siteRecord, stagingRecord } from './records.ts';
import type { InForce } from './session.ts';
import { type CheckedSite, names, sha256 } from './site-files.ts';

/**
 * What a gateway is, on its disk:
 *
 *     DIR/current -> site-1a2b3c4d   what is in force: one name, and so one rename puts another there
 *     DIR/site-1a2b3c4d/             all of one site: its files, and in state/ its key, certificate and journal
 *       site.json                    who it is, whose, by which voucher, and the digest of each file
 *     DIR/site-55667788/             what is being made; `staging.json` says for whom. One of them at most
 *     DIR/committed                  touched after each commit and reset: what waits for a new network looks here
 *     DIR/finished                   by which voucher it was provisioned last to the end, its record signed
 *     DIR/../ownership               the counter, and who it was last; nothing ever deletes it
 */

const nobody: Ownership = { version: 1, counter: 0, gateway: null };
const folderName = /^site-[0-9a-f]{8}$/;

/**
 * What of a state folder is of one site alone, and never goes on with the next: who it is, what a process makes, and a
 * configuration of the cloud, which would be laid over what was just written. The cloud sends that again.
 */
const ofOneSite = /^(?:gateway\.|renewal\.|trust\.|desired\.|lock|control\.sock)/;

interface Current {
  readonly folder: string;
  readonly record: SiteRecord;
}

interface Staged {
  readonly folder: string;
  readonly gatewayId: string;
  readonly organisation: string;
}

/**
 * Sites of a gateway: at most one in force, at most one in the making. A cut at any moment leaves what was in force or
 * what was to be; the counter of owners never goes down.
 */
export class SiteStore {
  readonly #disk: SiteDisk;
  readonly #folder: string;
  #current: Current | undefined;
  #staged: Staged | undefined;
  #ownership: Ownership = nobody;
  /** Voucher of the last provisioning that came to its end. */
  #finished: string | undefined;

  /**
   * Takes up what is there, and clears away what a cut left.
   *
   * @param folder made if missing; its parent must be there
   * @throws Error where the counter of owners is damaged
   */
  static async open(disk: SiteDisk, folder: string): Promise<SiteStore> {
    const store = new SiteStore(disk, folder);
    await disk.makeFolder(folder);
    await disk.sync(dirname(folder));
    await store.#takeUp();
    return store;
  }

  private constructor(disk: SiteDisk, folder: string) {
    this.#disk = disk;
    this.#folder = folder;
  }

  get inForce(): (InForce & SiteRecord) | undefined {
    return this.#current?.record;
  }

  /** Folder of what is in force. */
  get currentFolder(): string | undefined {
    return this.#current?.folder;
  }

  get stagedFolder(): string | undefined {
    return this.#staged?.folder;
  }

  /** How often it was given to an owner, and who it was last. */
  get ownership(): Ownership {
    return this.#ownership;
  }

  /** Whether whoever provisioned what is in force came to the end: what was cut off behind the commit did not. */
  get isFinished(): boolean {
    return this.#current === undefined || this.#finished === this.#current.record.voucher;
  }

  /** It came to its end. */
  async finish(): Promise<void> {
    if (this.isFinished || this.#current === undefined) return;
    const { voucher } = this.#current.record;
    const file = join(this.#folder, 'finished');
    await this.#disk.write(`${file}.new`, `${voucher}\n`, 0o600);
    await this.#disk.rename(`${file}.new`, file);
    await this.#disk.sync(this.#folder);
    this.#finished = voucher;
  }

  /**
   * The private key that is in the making for a gateway id, PEM: the same for the same, another for another.
   *
   * @param make makes one
   */
  async keyFor(gatewayId: string, organisation: string, make: () => Promise<string>): Promise<string> {
    const staged = await this.#stagedFor(gatewayId, organisation);
    const file = join(staged.folder, names.key);
    const kept = await this.#disk.read(file);
    // What a cut left of one being written ends before its last line.
    if (kept?.endsWith('-----END PRIVATE KEY-----\n') === true) return kept;
    const made = await make();
    await this.#disk.write(file, made, 0o600);
    await this.#disk.sync(dirname(file));
    return made;
  }

  /** Puts the files of a site beside, under the key that was made for it; what was written before is replaced. */
  async write(
    { site, digest, files }: CheckedSite,
    about: Pick<SiteRecord, 'ownershipCounter' | 'voucher' | 'publicKey'>,
  ): Promise<void> {
    const { folder } = this.#need();
    const disk = this.#disk;
    for (const name of await disk.list(folder)) {
      if (name !== 'staging.json' && name !== names.state) await disk.remove(join(folder, name));
    }
    await this.#clearState(folder);
    for (const { name, content, mode } of files) await disk.write(join(folder, name), content, mode);
    const record: SiteRecord = {
      version: 1,
      gatewayId: site.gatewayId,
      organisation: site.organisation,
      name: site.name,
      ...about,
      digest,
      files: Object.fromEntries(files.map(({ name, content }) => [name, sha256(content)])),
    };
    await disk.write(join(folder, 'site.json'), `${JSON.stringify(record, undefined, 2)}\n`, 0o600);
    await disk.sync(join(folder, names.state));
    await disk.sync(folder);
    await disk.sync(this.#folder);
  }

  /**
   * Puts what was written into force: one rename. Whoever runs on what was in force must have stopped.
   *
   * @param keepsJournal the gateway stays who it is: what it holds goes on with it
   * @returns what could not be cleared away behind it, which the next start does; undefined where all could
   * @throws where nothing was written whole, or the disk did not take it: then what was in force still is; where only the
   *   last sync failed, `inForce` is what was written, and a power cut may yet undo it
   */
  async commit(keepsJournal: boolean): Promise<Error | undefined> {
    const disk = this.#disk;
    const { folder } = this.#need();
    const record = await this.readBack(folder);
    if (record === undefined) throw new Error(`there is no whole site in ${folder}`);
    const before = this.#current;
    await this.#clearState(folder, names.chain);
    if (keepsJournal && before !== undefined) {
      await this.#carry(join(before.folder, names.state), join(folder, names.state));
    }
    const aside = join(this.#folder, 'current.new');
    await disk.remove(aside);
    await disk.point(aside, basename(folder));
    await disk.rename(aside, join(this.#folder, 'current'));
    // Also where the sync fails: what has the name is written into no more.
    this.#current = { folder, record };
    this.#staged = undefined;
    await disk.sync(this.#folder);
    try {
      await this.#raise();
      await this.#noLongerStaged(folder);
      if (before !== undefined) await disk.remove(before.folder);
      await this.#touch(record.digest);
      return undefined;
    } catch (error) {
      return error as Error;
    }
  }

  /** Factory reset: key, certificate, site and journal go. The counter of owners stays. */
  async reset(): Promise<void> {
    const disk = this.#disk;
    await this.#raise();
    await disk.remove(join(this.#folder, 'current'));
    await disk.remove(join(this.#folder, 'finished'));
    await disk.sync(this.#folder);
    this.#current = undefined;
    this.#staged = undefined;
    await this.#removeAll(() => false);
    await this.#touch('nothing');
  }

  async #touch(what: string): Promise<void> {
    await this.#disk.write(join(this.#folder, 'committed'), `${what}\n`, 0o600);
    await this.#disk.sync(this.#folder);
  }

  /** A file of a site's folder, as it is on the disk now. */
  async read(folder: string, name: string): Promise<string | undefined> {
    return await this.#disk.read(join(folder, name));
  }

  /** What a folder of a site says of itself, where each of its files is what it was written as. */
  async readBack(folder: string): Promise<SiteRecord | undefined> {
    const record = await this.#record(folder);
    if (record === undefined) return undefined;
    for (const [name, digest] of Object.entries(record.files)) {
      const content = await this.#disk.read(join(folder, name));
      if (content === undefined || sha256(content) !== digest) return undefined;
    }
    return record;
  }

  async #takeUp(): Promise<void> {
    const disk = this.#disk;
    await disk.remove(join(this.#folder, 'current.new'));
    const target = await disk.pointer(join(this.#folder, 'current'));
    if (target !== undefined && folderName.test(target)) {
      const folder = join(this.#folder, target);
      const record = await this.#record(folder);
      if (record !== undefined) this.#current = { folder, record };
    }
    this.#ownership = await this.#kept();
    this.#finished = (await disk.read(join(this.#folder, 'finished')))?.trim();
    await this.#raise();
    if (this.#current !== undefined) await this.#noLongerStaged(this.#current.folder);
    this.#staged = await this.#findStaged();
    const keep = [target, this.#staged && basename(this.#staged.folder)];
    await this.#removeAll((name) => keep.includes(name));
  }

  async #noLongerStaged(folder: string): Promise<void> {
    await this.#disk.remove(join(folder, 'staging.json'));
    await this.#disk.sync(folder);
  }

  async #removeAll(isKept: (name: string) => boolean): Promise<void> {
    for (const name of await this.#disk.list(this.#folder)) {
      if (folderName.test(name) && !isKept(name)) await this.#disk.remove(join(this.#folder, name));
    }
    await this.#disk.sync(this.#folder);
  }

  async #findStaged(): Promise<Staged | undefined> {
    for (const name of await this.#disk.list(this.#folder)) {
      const folder = join(this.#folder, name);
      if (!folderName.test(name) || folder === this.#current?.folder) continue;
      const record = await this.#parsed(join(folder, 'staging.json'), stagingRecord);
      if (record !== undefined) return { folder, ...record };
    }
    return undefined;
  }

  async #stagedFor(gatewayId: string, organisation: string): Promise<Staged> {
    const disk = this.#disk;
    const staged = this.#staged;
    if (staged?.gatewayId === gatewayId && staged.organisation === organisation) return staged;
    this.#staged = undefined;
    if (staged !== undefined) await disk.remove(staged.folder);
    const folder = join(this.#folder, `site-${randomBytes(4).toString('hex')}`);
    await disk.makeFolder(folder);
    await disk.makeFolder(join(folder, names.state));
    await disk.sync(folder);
    const record = { version: 1, gatewayId, organisation };
    await disk.write(join(folder, 'staging.json'), `${JSON.stringify(record)}\n`, 0o600);
    await disk.sync(folder);
    await disk.sync(this.#folder);
    const made = { folder, gatewayId, organisation };
    this.#staged = made;
    return made;
  }

  #need(): Staged {
    if (this.#staged === undefined) throw new Error('no site is in the making');
    return this.#staged;
  }

  /** A state folder with its key and nothing else, but for a file to keep. */
  async #clearState(folder: string, keep?: string): Promise<void> {
    const state = join(folder, names.state);
    for (const name of await this.#disk.list(state)) {
      const path = `${names.state}/${name}`;
      if (path !== names.key && path !== keep) await this.#disk.remove(join(state, name));
    }
  }

  /**
   * What the gateway holds goes on with it: each file gets a second name in the new state folder. Until the rename nobody
   * writes to them, and after it only the new one does.
   */
  async #carry(from: string, to: string): Promise<void> {
    const disk = this.#disk;
    for (const name of await disk.list(from)) {
      if (ofOneSite.test(name)) continue;
      if (name !== 'journal') await disk.link(join(from, name), join(to, name));
    }
    await disk.makeFolder(join(to, 'journal'));
    for (const name of await disk.list(join(from, 'journal'))) {
      if (!ofOneSite.test(name)) await disk.link(join(from, 'journal', name), join(to, 'journal', name));
    }
    await disk.sync(join(to, 'journal'));
    await disk.sync(to);
  }

  async #record(folder: string): Promise<SiteRecord | undefined> {
    return await this.#parsed(join(folder, 'site.json'), siteRecord);
  }

  async #parsed<Schema extends z.ZodType>(
    file: string,
    schema: Schema,
  ): Promise<z.output<Schema> | undefined> {
    const text = await this.#disk.read(file);
    try {
      return text === undefined ? undefined : schema.parse(JSON.parse(text));
    } catch {
      // Torn by a cut while it was written: then it was never synced, and nobody was told of it.
      return undefined;
    }
  }

  get #ownershipFile(): string {
    return join(dirname(this.#folder), 'ownership');
  }

  /** @throws Error where it is damaged and nothing else says the counter: at 0 it would take every old voucher again */
  async #kept(): Promise<Ownership> {
    const kept = await this.#parsed(this.#ownershipFile, ownershipRecord);
    if (kept !== undefined) return kept;
    const isThere = (await this.#disk.read(this.#ownershipFile)) !== undefined;
    if (isThere && this.#current === undefined) {
      throw new Error(
        `${this.#ownershipFile} is damaged: put {"version":1,"counter":N,"gateway":null} there, N being the counter that the cloud has for this board`,
      );
    }
    return nobody;
  }

  /** The counter outside is never below that of what is in force: after the rename, and again after each start. */
  async #raise(): Promise<void> {
    const record = this.#current?.record;
    if (record === undefined || record.ownershipCounter <= this.#ownership.counter) return;
    const raised: Ownership = {
      version: 1,
      counter: record.ownershipCounter,
      gateway: { id: record.gatewayId, organisation: record.organisation },
    };
    const file = this.#ownershipFile;
    await this.#disk.write(`${file}.new`, `${JSON.stringify(raised)}\n`, 0o600);
    await this.#disk.rename(`${file}.new`, file);
    await this.#disk.sync(dirname(file));
    this.#ownership = raised;
  }
}
