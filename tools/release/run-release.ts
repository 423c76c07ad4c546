import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { type ReleaseTarget, writeManifest } from '@loadline/sdk/release';
import { releaseCommand } from './command.ts';

/** For tests: what a `loadline release …` came to. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** For tests: runs `loadline release` with arguments, here. */
export async function runRelease(...args: string[]): Promise<Ran> {
  const said = { out: '', err: '' };
  const real = { out: process.stdout.write, err: process.stderr.write };
  const hear = (to: 'out' | 'err') => (text: string | Uint8Array) => {
    said[to] += text.toString();
    return true;
  };
  process.stdout.write = hear('out');
  process.stderr.write = hear('err');
  try {
    await releaseCommand().exitOverride().parseAsync(args, { from: 'user' });
    return { code: Number(process.exitCode ?? 0), ...said };
  } finally {
    process.stdout.write = real.out;
    process.stderr.write = real.err;
    process.exitCode = 0;
  }
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** For tests: a folder as 'loadline release build' makes it, of files by path. */
export function writeBuiltRelease(
  folder: string,
  { version, target }: { version: string; target: ReleaseTarget },
  contents: Readonly<Record<string, string>>,
): void {
  mkdirSync(join(folder, 'blobs'), { recursive: true });
  const files = Object.entries(contents).map(([path, text]) => {
    const content = Buffer.from(text);
    const packed = zstdCompressSync(content);
    writeFileSync(join(folder, 'blobs', sha256(packed)), packed);
    return {
      ...{ path, executable: path === 'bin/node', length: content.length, sha256: sha256(content) },
      packed: { length: packed.length, sha256: sha256(packed) },
    };
  });
  const manifest = writeManifest({
    ...{ format: 1, product: 'loadline-gateway', version, target, commit: 'a'.repeat(40), committed: 1 },
    ...{ node: '24.0.0', healthSeconds: 60, launcher: 1, files },
  });
  writeFileSync(join(folder, 'manifest.json'), manifest);
}
