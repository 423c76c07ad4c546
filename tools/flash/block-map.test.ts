// A block map is believed only where all of it holds: what is damaged, and what somebody has made up.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseBlockMap } from './block-map.ts';
import { FlashFailure } from './outcome.ts';
import { blockMapOf, imageBytes, signed } from './test-parts.ts';

const test = suite('block maps');
const image = imageBytes(8, [
  [2, 3],
  [5, 6],
]);

/** What is wrong with a map. */
function fault(xml: string): string {
  try {
    parseBlockMap(xml);
  } catch (error) {
    assert.instance(error, FlashFailure, String(error));
    assert.is((error as FlashFailure).outcome, 'image-refused');
    return (error as Error).message;
  }
  return 'none';
}

test('the ranges of a map are told in bytes, with their digests', () => {
  const map = parseBlockMap(blockMapOf(image));
  assert.equal(
    map.ranges.map(({ from, to }) => [from, to]),
    [
      [0, 4096],
      [2 << 20, 3 << 20],
      [5 << 20, 6 << 20],
    ],
  );
  assert.equal([map.imageBytes, map.mappedBytes], [8 << 20, (2 << 20) + 4096]);
});

test('a last block that the image does not fill ends with the image', () => {
  const odd = image.subarray(0, (6 << 20) - 1000);
  const { ranges, imageBytes: bytes } = parseBlockMap(blockMapOf(odd));
  assert.equal([ranges.at(-1)?.to, bytes], [odd.length, odd.length]);
});

test('a byte that changed on the way is found by the map itself', () => {
  assert.match(fault(blockMapOf(image).replace('sha256', 'sha256 ')), 'own checksum');
});

const changes: readonly (readonly [string, (xml: string) => string, string])[] = [
  ['a range past the end', (xml) => xml.replace('1280-1535', '1280-2048'), 'ends past its 2048 blocks'],
  ['a range far past the end', (xml) => xml.replace('1280-1535', '1280-99999999999999'), 'ends past'],
  ['ranges that overlap', (xml) => xml.replace('512-767', '512-1300'), 'overlapping'],
  ['ranges out of order', (xml) => xml.replace('512-767', '1600-1855'), 'out of order'],
  ['a range that ends before it begins', (xml) => xml.replace('512-767', '767-512'), 'ends before it begins'],
  ['a negative range', (xml) => xml.replace('512-767', '-512-767'), 'among its ranges'],
  ['a range that is no number', (xml) => xml.replace('512-767', '1e3-2e3'), 'among its ranges'],
  ['another count of mapped blocks', (xml) => xml.replace('> 513 <', '> 514 <'), 'says 514 mapped blocks'],
  ['another count of blocks', (xml) => xml.replace('> 2048 <', '> 2049 <'), 'says 2049 blocks'],
  ['no digest', (xml) => xml.replace(/chksum="[0-9a-f]{64}"/, 'chksum="0"'), 'no SHA-256'],
  ['an older version', (xml) => xml.replace('"2.0"', '"1.4"'), 'of version 1.4'],
  ['another kind of digest', (xml) => xml.replace('> sha256 <', '> md5 <'), 'of type md5'],
  ['an image of no size', (xml) => xml.replace(`> ${image.length} <`, '> 0 <'), 'as <ImageSize>'],
  ['odd blocks', (xml) => xml.replace('> 4096 <', '> 4097 <'), 'blocks of 4097'],
  ['two sizes', (xml) => xml.replace('<BlockSize>', '<ImageSize> 1 </ImageSize><BlockSize>'), 'twice'],
  [
    'no first block',
    (xml) => xml.replace(/<Range[^/]*> 0 <\/Range>/, '').replace('> 513 <', '> 512 <'),
    'first block',
  ],
];
for (const [what, change, says] of changes) {
  test(`refused: ${what}`, () => assert.match(fault(blockMapOf(image, change)), says));
}

test('refused: entities, whatever they would come to', () => {
  const bomb = `<?xml version="1.0"?><!DOCTYPE bmap [<!ENTITY a "aaaaaaaaaa">${Array.from(
    { length: 20 },
    (_, at) => `<!ENTITY a${at + 1} "&a${at || ''};&a${at || ''};">`,
  ).join('')}]><bmap version="2.0">&a20;</bmap>`;
  assert.match(fault(signed(bomb)), 'no XML of a block map');
  assert.match(fault('<!DOCTYPE bmap SYSTEM "file:///etc/passwd"><bmap version="2.0"/>'), 'no XML');
});

test('refused: elements in elements, more than a stack takes', () => {
  assert.match(fault('<bmap>'.repeat(600_000)), 'no XML of a block map');
});

test('refused: more than a map may have, and what is no XML', () => {
  assert.match(fault(' '.repeat(5 << 20)), 'are accepted');
  for (const text of ['', 'bmap', '<bmap', '\0', '<html/>']) assert.is.not(fault(text), 'none', text);
});

test.run();
