import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { byIdLinkOf, candidatesOf } from './candidates.ts';
import { Claims } from './claims.ts';

const test = suite('candidates');

const folder = mkdtempSync(join(tmpdir(), 'loadline-by-id-'));
const link = (name: string, to: string): string => {
  symlinkSync(to, join(folder, name));
  return join(folder, name);
};
// Any character device stands for a tty.
const [one, two] = ['/dev/full', '/dev/zero'];
const first = link('usb-FTDI_A', one);
link('usb-FTDI_A-again', one);
const second = link('usb-FTDI_B', two);
link('usb-FTDI_gone', join(folder, 'nothing'));
link('usb-FTDI_loop', join(folder, 'usb-FTDI_loop'));
writeFileSync(join(folder, 'usb-FTDI_file'), '');

test.after(() => rmSync(folder, { recursive: true }));

const paths = (path: string): string[] => candidatesOf(path).map((candidate) => candidate.path);

test('a path is one device, or none', () => {
  assert.equal(paths(first), [first]);
  assert.is(candidatesOf(first)[0]?.device, statSync(one).rdev);
  for (const name of ['usb-FTDI_gone', 'usb-FTDI_loop', 'usb-FTDI_file', 'nothing']) {
    assert.equal(paths(join(folder, name)), []);
  }
});

test('a pattern is every device once, by the first of its names, and no file', () => {
  assert.equal(paths(join(folder, 'usb-FTDI*')), [first, second]);
  assert.equal(paths(join(folder, '*_B')), [second]);
  assert.equal(paths(join(folder, 'pci*')), []);
});

test('the link by id of a device is found, where there is one', () => {
  assert.is(byIdLinkOf(statSync(two).rdev, folder), second);
  assert.is(byIdLinkOf(statSync('/dev/null').rdev, folder), undefined);
  assert.is(byIdLinkOf(1, join(folder, 'none')), undefined);
});

test('a device is one port’s until it is released or passed on by him who has it', () => {
  const claims = new Claims<string>();
  assert.ok(claims.claim(7, 'one') && claims.claim(7, 'one'));
  assert.not(claims.claim(7, 'two'));
  claims.release(7, 'two');
  assert.not(claims.isFreeFor(7, 'two'));
  claims.pass(7, 'two');
  claims.release(7, 'one');
  assert.not(claims.claim(7, 'one'));
  claims.release(7, 'two');
  assert.ok(claims.claim(7, 'one'));
});

test.run();
