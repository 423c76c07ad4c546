import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import type { ReleaseTarget } from '@loadline/sdk/release';
import { extract } from 'tar-stream';
import { cached } from './cache.ts';
import type { Lock } from './lock.ts';

/** The Node of a release, out of its npm package. */
export interface NodeBinary {
  readonly version: string;
  /** Integrity of the package it came in, as package-lock.json has it. */
  readonly integrity: string;
  readonly binary: Buffer;
  /** Licences of Node and of all that is linked into it. */
  readonly licence: string;
}

/** e_machine of an ELF header, by target (System V ABI). */
const machines: Record<ReleaseTarget, number> = { 'linux-x64': 62, 'linux-arm64': 183 };

/**
 * The Node for `target`, of the version and with the digest that package-lock.json names. Taken from the tarball and
 * not from node_modules: the one for another machine is not installed there, and what is installed there nobody checks.
 *
 * @throws Error where it cannot be had, and where it is not what the lock says
 */
export async function nodeFor(
  target: ReleaseTarget,
  lock: Lock,
  root: string,
  tell: (line: string) => void,
): Promise<NodeBinary> {
  const name = `node-${target}`;
  const { version, integrity } = lock.at(`node_modules/${name}`);
  if (integrity === undefined) throw new Error(`package-lock.json says no integrity of ${name}`);
  const tarball = await cached(
    `${name}-${version}.tgz`,
    (kept) => isIntact(kept, integrity),
    async () => {
      tell(`Node ${version} for ${target}: from npm, into the cache`);
      const fetched = await packed(`${name}@${version}`, root);
      if (isIntact(fetched, integrity)) return fetched;
      throw new Error(
        `${name}@${version} as npm gave it is not what package-lock.json says (${integrity}): nothing of it is used. ` +
          'Ask the registry again, or look who changes packages on the way',
      );
    },
  );
  const files = await unpacked(tarball, ['package/bin/node', 'package/LICENSE']);
  const binary = files.get('package/bin/node');
  const licence = files.get('package/LICENSE');
  if (binary === undefined || licence === undefined) {
    throw new Error(`${name}@${version} has no bin/node or no LICENSE`);
  }
  const machine = binary.readUInt32BE(0) === 0x7f454c46 ? binary.readUInt16LE(18) : undefined;
  if (machine !== machines[target]) throw new Error(`bin/node of ${name}@${version} is not for ${target}`);
  return { version, integrity, binary, licence: licence.toString() };
}

/** True where the bytes have the digest: W3C Subresource Integrity, with SHA-512 as npm writes it. */
export function isIntact(bytes: Uint8Array, integrity: string): boolean {
  return `sha512-${createHash('sha512').update(bytes).digest('base64')}` === integrity;
}

async function packed(what: string, root: string): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'loadline-node-'));
  try {
    const args = [
      'pack',
      what,
      '--prefer-offline',
      '--ignore-scripts',
      '--json',
      '--pack-destination',
      folder,
    ];
    const { stdout } = await promisify(execFile)('npm', args, { cwd: root, maxBuffer: 1 << 26 });
    const [made] = JSON.parse(stdout) as { filename: string }[];
    return await readFile(join(folder, made?.filename ?? ''));
  } catch (error) {
    const { stderr = '', message } = error as { stderr?: string; message: string };
    const why = stderr.split('\n').find((line) => line.includes('npm error')) ?? message.split('\n')[0];
    throw new Error(`npm does not bring ${what}: ${why}. It is needed once, with a network`, {
      cause: error,
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The files of these names in a gzipped tar. */
async function unpacked(tarball: Uint8Array, names: readonly string[]): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  const archive = extract();
  archive.end(gunzipSync(tarball));
  for await (const entry of archive) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    if (entry.header.type === 'file' && names.includes(entry.header.name)) {
      files.set(entry.header.name, Buffer.concat(chunks));
    }
  }
  return files;
}
