import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { boardNames, boardOf, bootFiles, kernelLine, partitionId } from './boards.ts';
import { identifiersOf, layoutOf, mebibyte, rootBytesFor, sfdiskScript } from './layout.ts';
import { fileSystemTable } from './system.ts';

const test = suite('layout of an image');

test('partitions follow each other, on whole mebibytes, and the last one ends the image', async () => {
  await fc.assert(
    fc.property(fc.integer({ min: 0, max: 4e9 }), fc.constantFrom(...boardNames), (content, name) => {
      const layout = layoutOf(boardOf(name), rootBytesFor(content), '0badcafe');
      let next = mebibyte;
      for (const { from, bytes } of layout.partitions) {
        assert.is(from, next);
        assert.is(bytes % mebibyte, 0);
        next = from + bytes;
      }
      assert.is(layout.bytes, next);
      assert.ok(layout.partitions[1].bytes > content);
    }),
  );
});

test('the table is what sfdisk reads, with the type that the boot loader of the board looks for', () => {
  const script = (name: 'rpi4' | 'generic-arm64') =>
    sfdiskScript(layoutOf(boardOf(name), 512 * mebibyte, '0badcafe')).split('\n');
  assert.equal(script('generic-arm64'), [
    'label: dos',
    'label-id: 0x0badcafe',
    'unit: sectors',
    '',
    'start=2048, size=262144, type=ef',
    'start=264192, size=1048576, type=83',
    'start=1312768, size=524288, type=83',
    '',
  ]);
  assert.is(script('rpi4')[4], 'start=2048, size=262144, type=c');
});

test('other inputs have other identifiers, the same have the same, and UUIDs are UUIDs', () => {
  const ids = identifiersOf(['rpi4', 'base', 'release', null]);
  assert.equal(ids, identifiersOf(['rpi4', 'base', 'release', null]));
  assert.not.equal(ids, identifiersOf(['rpi3', 'base', 'release', null]));
  assert.match(ids.signature, /^[0-9a-f]{8}$/);
  for (const uuid of [ids.root, ids.data]) {
    assert.match(uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
  assert.is.not(ids.root, ids.data);
});

test('the kernel and the table of file systems find the partitions by the signature of the disk', () => {
  const disk = { signature: '0badcafe' };
  assert.is(partitionId(disk, 3), 'PARTUUID=0badcafe-03');
  const words = kernelLine(disk).split(' ');
  assert.ok(words.includes('root=PARTUUID=0badcafe-02'));
  assert.ok(words.includes('ro'));
  const table = fileSystemTable(disk)
    .trim()
    .split('\n')
    .map((line) => line.split(' '));
  assert.equal(
    table.map(([device, at]) => `${device} ${at}`),
    [
      'PARTUUID=0badcafe-02 /',
      'PARTUUID=0badcafe-03 /var',
      'PARTUUID=0badcafe-01 /boot/firmware',
      'tmpfs /tmp',
    ],
  );
  for (const line of table) assert.is(line.length, 6);
});

test('no kernel writes to the line that a board is provisioned over', () => {
  for (const name of boardNames) {
    const board = boardOf(name);
    const texts = [...bootFiles(board, { signature: '0badcafe' })];
    const line = texts.map(([, text]) => text).join('\n');
    assert.match(line, /root=PARTUUID=0badcafe-02/);
    const tty = board.console.slice('/dev/'.length);
    assert.not.match(line, new RegExp(`console=${tty}`));
    // Without any console= the kernel takes the one that the device tree names, which is that tty.
    assert.match(line, /console=tty0/);
  }
});

test.run();
