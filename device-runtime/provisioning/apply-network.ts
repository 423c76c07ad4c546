import { mkdir, readdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { readRegular, removeWhole, writeWhole } from '@loadline/sdk/platform';
import { wirelessInterfaces } from './board.ts';
import {
  isOurs,
  type NetworkPlaces,
  networkPlaces,
  readKeptNetwork,
  type SystemFile,
  systemFiles,
} from './network.ts';
import { names } from './site-files.ts';

/** What is different now, for whoever tells the system. */
export interface Applied {
  /** Paths of files that were written or removed, from the root of the file system. */
  readonly changed: readonly string[];
  /** Wireless interfaces that join a network anew, and those that leave one. */
  readonly joins: readonly string[];
  readonly leaves: readonly string[];
}

/**
 * Writes the network of the site that is in force as files of systemd-networkd and wpa_supplicant; where nothing is in
 * force, takes away those of the site before. It is for root, and reads what a program without rights has written: so what
 * it reads is checked as strictly as what came over the line. Files of others are left alone: where one has the place of a
 * file that is needed, nothing is written.
 *
 * @param root where the file system begins; another folder in a test
 * @param places where the files are put, and looked for
 * @throws Error where the network cannot be used, or somebody else's file is in its place
 */
export async function applyNetwork(
  folder: string,
  root: string,
  places: NetworkPlaces = networkPlaces.etc,
  wireless: () => Promise<readonly string[]> = wirelessInterfaces,
): Promise<Applied> {
  const json = await textOf(join(resolve(folder), 'current', names.network));
  const wanted = json === undefined ? [] : await filesOf(json, wireless, places);
  for (const { path } of wanted) {
    const content = await contentOf(root, path);
    if (content === undefined || isOurs(content)) continue;
    throw new Error(
      `${join(root, path)} was not made by Loadline: nothing was changed; move it away, and run it again`,
    );
  }
  const gone: string[] = [];
  for (const path of await presentIn(root, places)) {
    if (wanted.some((file) => file.path === path) || !isOurs((await contentOf(root, path)) ?? '')) continue;
    await removeWhole(join(root, path));
    gone.push(path);
  }
  const written: string[] = [];
  for (const { path, content, mode } of wanted) {
    if ((await contentOf(root, path)) === content) continue;
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeWhole(join(root, path), content, mode);
    written.push(path);
  }
  return { changed: [...gone, ...written], joins: interfacesIn(written), leaves: interfacesIn(gone) };
}

async function filesOf(
  json: string,
  wireless: () => Promise<readonly string[]>,
  places: NetworkPlaces,
): Promise<SystemFile[]> {
  const network = readKeptNetwork(json);
  const isWireless = network.wifi !== undefined;
  const interfaces = !isWireless
    ? []
    : network.interface === undefined
      ? await wireless()
      : [network.interface];
  if (isWireless && interfaces.length === 0) {
    throw new Error('the site has a wireless network, and this machine has no wireless interface');
  }
  return systemFiles(network, interfaces, places);
}

/** Files that may have been made here. */
async function presentIn(root: string, { networkFile, supplicantFolder }: NetworkPlaces): Promise<string[]> {
  const supplicants = await readdir(join(root, supplicantFolder)).catch(() => []);
  return [networkFile, ...supplicants.map((name) => `${supplicantFolder}/${name}`)];
}

/** Undefined where nothing is there; nothing of ours where it cannot be read. */
async function contentOf(root: string, path: string): Promise<string | undefined> {
  return await textOf(join(root, path)).catch(() => '');
}

/** More than any network says. */
const mostBytes = 64 * 1024;

/** A file's text; undefined where nothing is there. @throws Error where it is no regular file, or too large */
async function textOf(path: string): Promise<string | undefined> {
  return (await readRegular(path, mostBytes))?.toString('utf8');
}

function interfacesIn(paths: readonly string[]): string[] {
  return paths.flatMap((path) => /wpa_supplicant-(.+)\.conf$/.exec(path)?.[1] ?? []);
}
