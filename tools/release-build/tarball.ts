import { pack } from 'tar-stream';

/** A file of a tarball. `path` is relative, with slashes. */
export interface TarFile {
  readonly path: string;
  readonly content: Uint8Array;
  readonly mode: number;
}

/** Longer names are written in a way that dpkg does not read (deb(5)): bytes, with what is put before them. */
const longestName = 100;

/**
 * A tarball of the files and the folders above them, by path, all of root and of one time (seconds since 1970): the same
 * files give the same bytes. `folders` come along also where nothing is in them.
 */
export async function writeTar(
  files: readonly TarFile[],
  folders: readonly string[],
  time: number,
): Promise<Buffer> {
  const all = new Map<string, TarFile | undefined>([['.', undefined]]);
  for (const folder of folders) addWithParents(all, folder, undefined);
  for (const file of files) addWithParents(all, file.path, file);
  const archive = pack();
  const common = { mtime: new Date(time * 1000), uid: 0, gid: 0, uname: 'root', gname: 'root' };
  for (const [path, file] of [...all].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const name = path === '.' ? './' : `./${path}${file === undefined ? '/' : ''}`;
    if (name.length > longestName) throw new Error(`${path} is too long a path for a Debian package`);
    if (file === undefined) archive.entry({ ...common, name, type: 'directory', mode: 0o755 });
    else archive.entry({ ...common, name, mode: file.mode }, Buffer.from(file.content));
  }
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function addWithParents(
  all: Map<string, TarFile | undefined>,
  path: string,
  file: TarFile | undefined,
): void {
  const parts = path.split('/');
  for (let depth = 1; depth < parts.length; depth += 1) all.set(parts.slice(0, depth).join('/'), undefined);
  all.set(path, file);
}
