import { createHash } from 'node:crypto';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  manifestTarget,
  type ReleaseManifest,
  type ReleaseTarget,
  repository,
  writeManifest,
} from '@loadline/sdk/release';
import {
  firstRoot,
  keyIdOf,
  makeRoleKey,
  nextRoot,
  nextTargets,
  type RoleName,
  type RoleSigner,
  readRoot,
  resign,
  roleSigner,
  signRoot,
} from '@loadline/sdk/release/repository';
import type { ByteStream, ReleaseSource } from './release-source.ts';

export const day = 86_400_000;

/** Bytes by their path in the repository. */
export type Files = Map<string, Uint8Array>;

/** A manifest of one file, that differs with its version. */
export function testManifest(version: string, target: ReleaseTarget = 'linux-arm64'): ReleaseManifest {
  const sha256 = sha256Of(Buffer.from(version));
  return {
    ...{ format: 1, product: 'loadline-gateway', version, target },
    ...{
      commit: 'ab'.repeat(20),
      committed: 1_790_000_000,
      node: '24.21.0',
      healthSeconds: 600,
      launcher: 1,
    },
    files: [{ path: 'gateway.mjs', executable: false, length: 3, sha256, packed: { length: 12, sha256 } }],
  };
}

/** A repository with one key for each role, whose keeper can be robbed of them. */
export class TestRepository {
  readonly files: Files = new Map();
  readonly keys: Record<RoleName, RoleSigner>;
  now: number;

  constructor(now: number) {
    this.now = now;
    this.keys = { root: newKey(), targets: newKey(), snapshot: newKey(), timestamp: newKey() };
    const only = (role: RoleName) => ({ keys: [this.keys[role].key], threshold: 1 });
    const roles = {
      ...{ root: only('root'), targets: only('targets') },
      ...{ snapshot: only('snapshot'), timestamp: only('timestamp') },
    };
    this.#putRoot(signRoot(firstRoot(roles, now), this.keys.root, undefined));
    this.#putTargets(nextTargets(undefined, {}, { signers: [this.keys.targets], now }));
    this.sign();
  }

  get root(): string {
    return this.#newest('root');
  }

  get targets(): string {
    return this.#newest('targets');
  }

  get timestamp(): string {
    return this.text('timestamp.json');
  }

  /** The name of the newest snapshot. */
  get snapshotName(): string {
    return `${JSON.parse(this.timestamp).signed.meta['snapshot.json'].version}.snapshot.json`;
  }

  /** A file of the metadata. */
  text(name: string): string {
    return Buffer.from(this.files.get(`${repository.metadata}/${name}`) ?? []).toString('utf8');
  }

  put(name: string, content: string): void {
    this.files.set(`${repository.metadata}/${name}`, Buffer.from(content));
  }

  /** Signs a release, and what stands above it. */
  release(version: string, target: ReleaseTarget = 'linux-arm64'): void {
    const bytes = writeManifest(testManifest(version, target));
    this.files.set(manifestPath(version, target, bytes), bytes);
    this.#signTargets({ add: [bytes] });
  }

  withdraw(version: string, target: ReleaseTarget = 'linux-arm64'): void {
    this.#signTargets({ remove: [{ version, target }] });
  }

  /** Lets snapshot and timestamp sign what is due. */
  sign(): void {
    const current = {
      ...{ root: this.root, targets: this.targets },
      ...(this.timestamp !== '' && {
        snapshot: this.text(this.snapshotName),
        timestamp: this.timestamp,
      }),
    };
    const { snapshot, timestamp } = this.keys;
    for (const { name, content } of resign(current, { signers: { snapshot, timestamp }, now: this.now })) {
      this.put(name, content);
    }
  }

  /** Gives roles new keys by one new root, signed by the root's old key and its new one; and signs by them all. */
  rotate(...roles: RoleName[]): void {
    const before = this.root;
    const signers = [this.keys.root];
    for (const role of roles) this.keys[role] = newKey();
    if (roles.includes('root')) signers.push(this.keys.root);
    const change = Object.fromEntries(
      roles.map((role) => [role, { keys: [this.keys[role].key], threshold: 1 }]),
    );
    let root = nextRoot(before, change, this.now);
    for (const signer of signers) root = signRoot(root, signer, before);
    this.#putRoot(root);
    this.#signTargets({});
  }

  /** What is there now. */
  copy(): Files {
    return new Map(this.files);
  }

  /** Puts everything back to a copy. */
  restore(files: Files): void {
    this.files.clear();
    for (const [path, bytes] of files) this.files.set(path, bytes);
  }

  #signTargets(change: Parameters<typeof nextTargets>[1]): void {
    this.#putTargets(nextTargets(this.targets, change, { signers: [this.keys.targets], now: this.now }));
    this.sign();
  }

  #putRoot(root: string): void {
    this.put(`${readRoot(root).version}.root.json`, root);
  }

  #putTargets(targets: string): void {
    this.put(`${versionOf(targets)}.targets.json`, targets);
  }

  #newest(role: 'root' | 'targets'): string {
    const versions = [...this.files.keys()].flatMap((path) => {
      const found = new RegExp(`/(\\d+)\\.${role}\\.json$`).exec(path)?.[1];
      return found === undefined ? [] : [Number(found)];
    });
    return this.text(`${Math.max(...versions)}.${role}.json`);
  }
}

export function newKey(): RoleSigner {
  return roleSigner(makeRoleKey().privateKeyPem);
}

export function versionOf(content: string): number {
  return JSON.parse(content).signed.version;
}

export function manifestPath(version: string, target: ReleaseTarget, bytes: Uint8Array): string {
  const name = manifestTarget(version, target).replace('manifest.json', `${sha256Of(bytes)}.manifest.json`);
  return `${repository.targets}/${name}`;
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** An HTTP server of files, some of whose answers are somebody's own. */
export class TestServer {
  readonly answers = new Map<string, RequestListener>();
  readonly asked: string[] = [];
  files: Files;
  readonly #server: Server;

  constructor(files: Files) {
    this.files = files;
    this.#server = createServer((request, response) => {
      const path = (request.url ?? '').slice(1);
      this.asked.push(path);
      const answer = this.answers.get(path);
      if (answer !== undefined) return answer(request, response);
      const bytes = this.files.get(path);
      response.statusCode = bytes === undefined ? 404 : 200;
      response.end(bytes);
    });
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** The files over HTTP. */
  get source(): ReleaseSource {
    const { port } = this.#server.address() as AddressInfo;
    const get = async (path: string, signal: AbortSignal): Promise<ByteStream | undefined> => {
      const answer = await fetch(`http://127.0.0.1:${port}/${path}`, { signal });
      if (answer.status === 404) return undefined;
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      return answer.body ?? undefined;
    };
    return {
      metadata: (name, signal) => get(`${repository.metadata}/${name}`, signal),
      target: (path, signal) => get(`${repository.targets}/${path}`, signal),
    };
  }
}
/** What keys can be made to sign: anything, in the canonical form (specification 4.2.2; ASCII only). */
export function forge(signed: object, ...signers: RoleSigner[]): string {
  const bytes = Buffer.from(canonical(signed));
  const signatures = signers.map((signer) => ({
    keyid: keyIdOf(signer.key),
    sig: Buffer.from(signer.sign(bytes)).toString('hex'),
  }));
  return JSON.stringify({ signatures, signed });
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const pairs = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${pairs.map(([name, each]) => `${JSON.stringify(name)}:${canonical(each)}`).join()}}`;
}

/** What is signed in a file of metadata, with something in it changed. */
export function changed(content: string, change: object): object {
  return { ...JSON.parse(content).signed, ...change };
}

/** How one file of metadata names another. */
export function metaOf(content: string): { version: number; length: number; hashes: { sha256: string } } {
  const bytes = Buffer.from(content);
  return { version: versionOf(content), length: bytes.length, hashes: { sha256: sha256Of(bytes) } };
}
