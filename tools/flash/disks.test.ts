// Which disks are listed, and which are refused: by what lsblk says of machines.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { disksIn, faultOf, removable } from './disks.ts';

const test = suite('disks');

interface Line {
  readonly name: string;
  readonly type?: string;
  readonly size?: number;
  readonly rm?: boolean;
  readonly hotplug?: boolean;
  readonly ro?: boolean;
  readonly tran?: string | null;
  readonly mountpoints?: readonly (string | null)[];
  readonly children?: readonly object[];
}

/** A line of lsblk's. */
const line = (one: Line) => ({
  path: `/dev/${one.name}`,
  type: 'disk',
  size: 32e9,
  rm: false,
  hotplug: false,
  ro: false,
  model: 'Ultra   ',
  vendor: 'SanDisk ',
  serial: '4C53',
  tran: null,
  fstype: null,
  label: null,
  mountpoints: [null],
  subsystems: 'block:scsi:usb:pci',
  ...one,
});
const disks = (...all: Line[]) => disksIn(JSON.stringify({ blockdevices: all.map(line) }));
const card = { name: 'sdb', rm: true, hotplug: true, tran: 'usb' };
const part = (name: string, more: object = {}) => line({ name, type: 'part', size: 1e9, ...more });

test('removable disks are listed, with model and bus; built-in ones, empty readers and loop devices are not', () => {
  const all = disks(
    { name: 'nvme0n1', tran: 'nvme' },
    card,
    { name: 'sdc', rm: true, size: 0 },
    { name: 'mmcblk0', hotplug: true, size: 16e9 },
    { name: 'loop0', type: 'loop', rm: true },
  );
  const listed = removable(all);
  assert.equal(
    listed.map(({ name }) => name),
    ['sdb', 'mmcblk0'],
  );
  const [first] = listed;
  assert.equal([first?.model, first?.bus, first?.bytes], ['SanDisk Ultra', 'usb', 32e9]);
});

test('a card with partitions that nobody uses is one to write to', () => {
  const [disk] = disks({ ...card, children: [part('sdb1'), part('sdb2')] });
  assert.is(disk && faultOf(disk, [], 1e9), undefined);
});

const refusals: readonly (readonly [string, Line, string])[] = [
  [
    'the root file system',
    { ...card, children: [part('sdb2', { mountpoints: ['/'] })] },
    'holds the running system',
  ],
  [
    'what it starts from',
    { ...card, children: [part('sdb1', { mountpoints: ['/boot/firmware'] })] },
    'running system',
  ],
  [
    'a mounted partition',
    { ...card, children: [part('sdb1', { mountpoints: [null, '/media/x'] })] },
    'mounted at /media/x',
  ],
  ['a mounted disk', { ...card, mountpoints: ['/mnt'] }, 'sdb is mounted at /mnt'],
  ['swap', { ...card, children: [part('sdb3', { mountpoints: ['[SWAP]'] })] }, 'swap'],
  [
    'a volume',
    { ...card, children: [part('sdb1', { children: [line({ name: 'vg-home', type: 'lvm' })] })] },
    'vg-home (lvm)',
  ],
  [
    'a mounted volume',
    {
      ...card,
      children: [part('sdb1', { children: [line({ name: 'c', type: 'crypt', mountpoints: ['/srv'] })] })],
    },
    'c is mounted at /srv',
  ],
  ['an array', { ...card, children: [line({ name: 'md0', type: 'raid1' })] }, 'md0 (raid1)'],
  ['a built-in disk', { name: 'sda', tran: 'sata' }, 'built into this machine'],
  ['a read-only card', { ...card, ro: true }, 'read-only'],
  ['an empty reader', { ...card, size: 0 }, 'no card'],
  ['a small card', { ...card, size: 5e8 }, 'and the image 1000000000'],
  ['a disc', { name: 'sr0', type: 'rom', rm: true }, 'of type rom'],
];
for (const [what, one, says] of refusals) {
  test(`refused: ${what}`, () => {
    const [disk] = disks(one);
    assert.match((disk && faultOf(disk, [], 1e9))?.says ?? 'nothing', says);
  });
}

test('refused: what the kernel says that something stands on, also where lsblk shows nothing', () => {
  const [disk] = disks(card);
  assert.match((disk && faultOf(disk, ['bcache0'], 1e9))?.says ?? '', 'bcache0');
});

test.run();
