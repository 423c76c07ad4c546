import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { FlashEvent, ResultEvent } from './events.ts';

const block = 4096;

/** A folder of a test, gone with its process. */
export function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'loadline-flash-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Bytes of an image: a partition table's signature, and something by chance in the given ranges (MiB, from and to). */
export function imageBytes(mebibytes: number, full: readonly (readonly [number, number])[]): Buffer {
  const mebibyte = 1024 * 1024;
  const image = Buffer.alloc(mebibytes * mebibyte);
  randomBytes(440).copy(image);
  image.set([0x55, 0xaa], 510);
  for (const [from, to] of full) randomBytes((to - from) * mebibyte).copy(image, from * mebibyte);
  return image;
}

/** The block map of an image, as bmaptool writes it, in what matters. @param change what is to be wrong, before it is signed */
export function blockMapOf(image: Buffer, change: (xml: string) => string = (xml) => xml): string {
  const blocks = Math.ceil(image.length / block);
  const ranges: [first: number, last: number][] = [];
  for (let at = 0; at < blocks; at++) {
    if (at > 0 && image.subarray(at * block, (at + 1) * block).every((byte) => byte === 0)) continue;
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === at - 1) last[1] = at;
    else ranges.push([at, at]);
  }
  const lines = ranges.map(([first, last]) => {
    const digest = sha256(image.subarray(first * block, (last + 1) * block));
    return `<Range chksum="${digest}"> ${first === last ? first : `${first}-${last}`} </Range>`;
  });
  const mapped = ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);
  return signed(
    change(
      `<?xml version="1.0" ?>
<bmap version="2.0">
  <ImageSize> ${image.length} </ImageSize> <BlockSize> ${block} </BlockSize>
  <BlocksCount> ${blocks} </BlocksCount> <MappedBlocksCount> ${mapped} </MappedBlocksCount>
  <ChecksumType> sha256 </ChecksumType> <BmapFileChecksum> ${zeros} </BmapFileChecksum>
  <BlockMap>
    ${lines.join('\n    ')}
  </BlockMap>
</bmap>
`,
    ),
  );
}

const zeros = '0'.repeat(64);

/** With its own checksum in its place. */
export function signed(xml: string): string {
  return xml.replace(zeros, sha256(xml));
}

function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** `loadline flash`, to its end, with nobody at a terminal. */
export async function flash(...words: string[]): Promise<{
  readonly code: number | null;
  readonly events: readonly FlashEvent[];
  readonly result: ResultEvent;
}> {
  const main = join(import.meta.dirname, '../main.ts');
  const all = [...process.execArgv, main, 'flash', ...words, '--json'];
  const child = spawn(process.execPath, all, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const events = (await text(child.stdout))
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as FlashEvent);
  return { code: await ended, events, result: events.at(-1) as ResultEvent };
}
