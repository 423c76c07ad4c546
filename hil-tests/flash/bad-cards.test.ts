// @long
// Cards that lie about their size, that keep another byte, that are pulled: a FUSE file under a loop device, nbdkit behind it.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../rig/index.ts';
import { needs } from '../runner/debian.ts';
import { emptyFile, Loop, LyingCard } from './cards.ts';
import { bytesOf, makeImage, startFlash, testFolder } from './flashing.ts';

const test = suite('bad cards');
const possible = await LyingCard.isPossible();
const bmaptool = possible === true ? await needs('bmaptool', 'bmap-tools') : possible;
if (bmaptool !== true) console.log(`skipped: cards that lie and are pulled: ${bmaptool}`);
const scenario = bmaptool === true ? test : test.skip;

const mebibyte = 1024 * 1024;
const folder = testFolder();
const image = join(folder, 'card.img');
if (bmaptool === true) {
  makeImage(image, 20, [
    [1, 3],
    [6, 14],
  ]);
}

/** What a disk does with each request, as a script of nbdkit's: $2 is a handle, $3 bytes, $4 the offset. */
function script(
  name: string,
  { read, write, size }: { read: string; write: string; size: number },
): string[] {
  const real = emptyFile(join(folder, `${name}.real`), size * mebibyte);
  const file = join(folder, `${name}.sh`);
  const text = `#!/bin/sh
real=${real}
take() { dd if=$real bs=65536 iflag=skip_bytes,count_bytes skip=$2 count=$1 status=none; }
keep() { dd of=$real bs=65536 oflag=seek_bytes seek=$1 conv=notrunc iflag=fullblock status=none; }
case "$1" in
  get_size) echo ${64 * mebibyte} ;;
  can_write | can_flush | flush) exit 0 ;;
  pread) ${read} ;;
  pwrite) ${write} ;;
  *) exit 2 ;;
esac
`;
  writeFileSync(file, text, { mode: 0o755 });
  return ['sh', file];
}

/** Flashes a card that nbdkit plays. */
async function onCard(
  nbdkit: readonly string[],
  work: (card: { readonly loop: Loop; readonly served: LyingCard }) => Promise<void>,
): Promise<void> {
  const served = await LyingCard.open(nbdkit);
  // Past the cache of the FUSE file as well: what answers below the loop device is nbdkit.
  const loop = new Loop(served.path, 'direct');
  try {
    await work({ loop, served });
  } finally {
    loop.detach();
    await served.close();
  }
}

const words = ({ path, name }: Loop) => ['--image', image, '--to', path, '--yes-write', name];

scenario('one that wraps, 16 MiB as 64, is refused before the image is written', async () => {
  const real = emptyFile(join(folder, 'wraps'), 16 * mebibyte);
  await onCard(['split', real, real, real, real], async ({ loop }) => {
    const { code, told, last } = await startFlash(...words(loop)).ended;
    assert.equal([code, last.result], [5, 'fake-capacity'], last.says ?? '');
    assert.match(
      last.says ?? '',
      'says 67.1 MB, and what is written 16.8 MB further on goes to the same place',
    );
    assert.not.ok(told.some(({ step }) => step === 'write'));
  });
});

scenario('one that drops what is past 24 of 64 MiB is refused, and told where that begins', async () => {
  const end = 24 * mebibyte;
  const nbdkit = script('drops', {
    size: 24,
    read: `if [ $4 -ge ${end} ]; then head -c $3 /dev/zero; else take $3 $4; fi`,
    write: `if [ $4 -ge ${end} ]; then cat > /dev/null; else keep $4; fi`,
  });
  await onCard(nbdkit, async ({ loop }) => {
    const { code, last } = await startFlash(...words(loop)).ended;
    assert.equal([code, last.result], [5, 'fake-capacity'], last.says ?? '');
    assert.match(last.says ?? '', 'keeps nothing from 25.2 MB on');
  });
});

scenario(
  'one that keeps another byte than it was given is found by reading back, and does not start',
  async () => {
    // Between the places that are marked.
    const spoilt = 8 * mebibyte + 100_000;
    const other = bytesOf(image, spoilt, 1)[0] === 'X'.charCodeAt(0) ? 'Y' : 'X';
    const nbdkit = script('spoils', {
      size: 64,
      read: 'take $3 $4',
      write: `keep $4; [ $4 -gt ${spoilt} ] || [ $(($4 + $3)) -le ${spoilt} ] || printf ${other} | keep ${spoilt}`,
    });
    await onCard(nbdkit, async ({ loop }) => {
      const { code, last } = await startFlash(...words(loop)).ended;
      assert.equal([code, last.result], [7, 'not-verified'], last.says ?? '');
      assert.ok(
        bytesOf(loop.path, 0, mebibyte).every((byte) => byte === 0),
        'there is no partition table',
      );
    });
  },
);

scenario('one that is pulled while it is written: which, when, and what to do', async () => {
  const nbdkit = ['--filter=delay', 'file', emptyFile(join(folder, 'pulled'), 64 * mebibyte), 'wdelay=50ms'];
  await onCard(nbdkit, async ({ loop, served }) => {
    const { told, ended } = startFlash(...words(loop));
    await until(() => told().some(({ step }) => step === 'write'), { limitMs: 30_000, what: 'it to write' });
    await served.pull();
    const { code, last } = await ended;
    assert.equal([code, last.result], [6, 'unplugged'], last.says ?? '');
    assert.match(
      last.says ?? '',
      /^\/dev\/loop\d+ does not answer any more, while writing at byte \d+ \(EIO\)/,
    );
    assert.match((last as { act?: string }).act ?? '', 'does not start');
  });
});

scenario('one that is pulled while it is read back, too', async () => {
  const nbdkit = ['--filter=delay', 'file', emptyFile(join(folder, 'late'), 64 * mebibyte), 'rdelay=40ms'];
  await onCard(nbdkit, async ({ loop, served }) => {
    const { told, ended } = startFlash(...words(loop));
    await until(() => told().some(({ step }) => step === 'verify'), { limitMs: 30_000, what: 'it to read' });
    await served.pull();
    const { code, last } = await ended;
    assert.equal([code, last.result], [6, 'unplugged'], last.says ?? '');
    assert.match(last.says ?? '', /while reading at byte \d+ \(EIO\)/);
  });
});

test.run();
