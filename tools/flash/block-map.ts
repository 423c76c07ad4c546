import { createHash } from 'node:crypto';
import { parseXml, XmlDocumentType, XmlElement, type XmlNode } from '@rgrove/parse-xml';
import { FlashFailure } from './outcome.ts';

/**
 * Which blocks of an image hold something, as bmaptool writes it (format 2.0): an XML file with the size of the image, its
 * ranges of mapped blocks with a SHA-256 each, and a SHA-256 of itself, made with zeros in its own place.
 */
export interface BlockMap {
  /** Bytes of the unpacked image. */
  readonly imageBytes: number;
  readonly blockBytes: number;
  /** Bytes of all ranges. */
  readonly mappedBytes: number;
  /** Ascending; none overlaps another, none ends past the image. */
  readonly ranges: readonly MappedRange[];
}

export interface MappedRange {
  /** Bytes from the beginning of the image. */
  readonly from: number;
  /** Where it ends: the first byte that is not in it. */
  readonly to: number;
  readonly sha256: string;
}

/** A map of a 64 GB image that is in pieces everywhere stays below it. */
const mostBytes = 4 * 1024 * 1024;
const mostImageBytes = 16 * 2 ** 40;

/**
 * Reads a block map, and believes nothing of it that does not hold.
 *
 * @throws FlashFailure `image-refused`
 */
export function parseBlockMap(text: string): BlockMap {
  if (text.length > mostBytes) throw refused(`has ${text.length} characters, and ${mostBytes} are accepted`);
  const root = rootOf(text);
  if (root.name !== 'bmap') throw refused(`begins with <${root.name}>, and not with <bmap>`);
  if (root.attributes.version !== '2.0')
    throw refused(`is of version ${root.attributes.version}, and 2.0 is read here`);
  const type = textIn(root, 'ChecksumType');
  if (type !== 'sha256') throw refused(`has checksums of type ${type}, and sha256 is read here`);
  checkOwnDigest(text, textIn(root, 'BmapFileChecksum'));
  const imageBytes = numberIn(root, 'ImageSize', mostImageBytes);
  const blockBytes = numberIn(root, 'BlockSize', 1024 * 1024);
  if (blockBytes % 4096 !== 0) throw refused(`has blocks of ${blockBytes} bytes, and not of whole 4096`);
  const blocks = numberIn(root, 'BlocksCount', mostImageBytes);
  if (blocks !== Math.ceil(imageBytes / blockBytes))
    throw refused(`says ${blocks} blocks of ${blockBytes} bytes for an image of ${imageBytes}`);
  const map = only(root, 'BlockMap');
  const ranges = map.children.filter(isElement).map((element) => rangeOf(element, blocks));
  let before = -1;
  for (const { first, last } of ranges) {
    if (first <= before)
      throw refused(`has the range ${first}-${last} behind block ${before}: overlapping or out of order`);
    before = last;
  }
  const mapped = ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  const said = numberIn(root, 'MappedBlocksCount', mostImageBytes);
  if (mapped !== said) throw refused(`says ${said} mapped blocks, and its ranges have ${mapped}`);
  if (ranges[0]?.first !== 0) throw refused('leaves out the first block, where the partition table is');
  const inBytes = ranges.map(({ first, last, sha256 }) => ({
    from: first * blockBytes,
    to: Math.min((last + 1) * blockBytes, imageBytes),
    sha256,
  }));
  const mappedBytes = inBytes.reduce((sum, { from, to }) => sum + to - from, 0);
  return { imageBytes, blockBytes, mappedBytes, ranges: inBytes };
}

function rootOf(text: string): XmlElement {
  try {
    const document = parseXml(text, { preserveDocumentType: true });
    if (document.children.some((node) => node instanceof XmlDocumentType))
      throw new Error('a document type is not for block maps');
    if (document.root === null) throw new Error('there is nothing in it');
    return document.root;
  } catch (cause) {
    // Also a RangeError, where somebody nested elements until the stack was full.
    throw refused(`is no XML of a block map: ${(cause as Error).message.split('\n')[0]}`, cause);
  }
}

const isElement = (node: XmlNode) => node instanceof XmlElement;

function only(parent: XmlElement, name: string): XmlElement {
  const [one, second] = parent.children.filter(isElement).filter((element) => element.name === name);
  if (one === undefined) throw refused(`has no <${name}>`);
  if (second !== undefined) throw refused(`has <${name}> twice`);
  return one;
}

const textIn = (parent: XmlElement, name: string) => only(parent, name).text.trim();

function numberIn(parent: XmlElement, name: string, most: number): number {
  const text = textIn(parent, name);
  const value = Number(text);
  if (!/^\d{1,15}$/.test(text) || value < 1 || value > most)
    throw refused(`has ${text.slice(0, 40)} as <${name}>`);
  return value;
}

function rangeOf(element: XmlElement, blocks: number): { first: number; last: number; sha256: string } {
  const text = element.text.trim();
  const said = /^(\d{1,15})(?:\s*-\s*(\d{1,15}))?$/.exec(text);
  const { chksum: sha256 = '' } = element.attributes;
  if (element.name !== 'Range' || said === null)
    throw refused(`has <${element.name}> ${text.slice(0, 40)} among its ranges`);
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw refused(`has no SHA-256 for the range ${text}`);
  const first = Number(said[1]);
  const last = Number(said[2] ?? said[1]);
  if (last < first) throw refused(`has the range ${text}, which ends before it begins`);
  if (last >= blocks) throw refused(`has the range ${text}, which ends past its ${blocks} blocks`);
  return { first, last, sha256 };
}

/** As bmaptool does: the SHA-256 of the file with zeros where the checksum stands first. */
function checkOwnDigest(text: string, said: string): void {
  const zeroed = /^[0-9a-f]{64}$/.test(said) ? text.replace(said, '0'.repeat(64)) : text;
  const digest = createHash('sha256').update(zeroed).digest('hex');
  if (digest !== said) throw refused('is damaged: its own checksum is another');
}

function refused(what: string, cause?: unknown): FlashFailure {
  return new FlashFailure(
    'image-refused',
    `the block map ${what}`,
    'get image and block map again, together',
    {
      cause,
    },
  );
}
