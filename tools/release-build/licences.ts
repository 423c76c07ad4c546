import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Inside, idOf } from './contents.ts';

/** How a file with a licence, or with what it wants told, is called. */
const licenceFile = /^(licen[cs]e|copying|notice)([.-].*)?$/i;

const rule = '='.repeat(100);

/**
 * LICENSES.txt: the licence of Loadline, of Node with all that is linked into it, and of each package inside.
 *
 * @throws Error where a package has no file with its licence
 */
export async function writeLicences(
  root: string,
  node: string,
  packages: readonly Inside[],
): Promise<string> {
  const sections = [
    section('Loadline, Apache-2.0', await readFile(join(root, 'LICENSE'), 'utf8')),
    ...(await Promise.all(packages.map((each) => ofPackage(root, each)))),
    section('Node.js, and what is linked into it', node),
  ];
  return `What this release of the Loadline gateway is made of, and under which terms.\n${sections.join('')}`;
}

async function ofPackage(root: string, each: Inside): Promise<string> {
  const folder = join(root, each.folder);
  const names = (await readdir(folder)).filter((name) => licenceFile.test(name)).sort();
  if (names.length === 0) {
    throw new Error(
      `${each.folder} has no file with its licence (${each.license}), and a release carries the text of each`,
    );
  }
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
  return section(`${idOf(each)}, ${each.license}`, texts.join('\n'));
}

function section(title: string, text: string): string {
  return `\n${rule}\n${title}\n${rule}\n\n${text.replaceAll('\r\n', '\n').trim()}\n`;
}
