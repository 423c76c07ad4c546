import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Layout, Partition } from './layout.ts';
import { run } from './run.ts';

/** What stands at a path of an ext4 file system. */
export interface Node {
  readonly path: string;
  readonly inode: number;
  /** st_mode. */
  readonly mode: number;
  readonly bytes: number;
}

const kind = 0o170000;
const folder = 0o040000;
const regular = 0o100000;
const link = 0o120000;

/** A file system of an image, read without mounting it. */
export class ExtImage {
  /** As debugfs takes it: a file, and where in it. */
  readonly #device: string;
  constructor(image: string, from: number) {
    this.#device = from === 0 ? image : `${image}?offset=${from}`;
  }

  /** Everything in it, folder by folder. */
  async walk(): Promise<Node[]> {
    const all: Node[] = [];
    let level: { path: string; inode: number }[] = [{ path: '', inode: 2 }];
    while (level.length > 0) {
      const listings = await this.#each(level.map(({ inode }) => `ls -p <${inode}>`));
      const next: typeof level = [];
      for (const [index, listing] of listings.entries()) {
        const above = level[index]?.path ?? '';
        for (const node of nodesOf(listing, above)) {
          all.push(node);
          if ((node.mode & kind) === folder) next.push({ path: node.path, inode: node.inode });
        }
      }
      level = next;
    }
    return all;
  }

  /** What a file has in it, as text; undefined where there is none. */
  async textOf(path: string): Promise<string> {
    return await this.#debugfs(`cat "/${path}"`);
  }

  /** Where a link leads to. */
  async linkOf(path: string): Promise<string> {
    const said = await this.#debugfs(`stat "/${path}"`);
    return /^Fast link dest: "(.*)"$/m.exec(said)?.[1] ?? '';
  }

  /** The path of what has a byte of this file system in it, if something has. */
  async pathAt(offset: number): Promise<string | undefined> {
    const block = Math.floor(offset / 4096);
    const inode = /^\d+\t(\d+)$/m.exec(await this.#debugfs(`icheck ${block}`))?.[1];
    if (inode === undefined) return undefined;
    return /^\d+\t\/?(.*)$/m.exec(await this.#debugfs(`ncheck ${inode}`))?.[1];
  }

  async #debugfs(command: string): Promise<string> {
    return await run('debugfs', ['-R', command, this.#device]);
  }

  /** What each of many commands says, in one call. */
  async #each(commands: readonly string[]): Promise<string[]> {
    const work = await mkdtemp(join(tmpdir(), 'loadline-scan-'));
    try {
      const script = join(work, 'commands');
      await writeFile(script, `${commands.join('\n')}\n`);
      const said = await run('debugfs', ['-f', script, this.#device]);
      return said.split(/^debugfs: .*$/m).slice(1);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  }
}

/** Lines of `ls -p`: /inode/mode/uid/gid/name/size/. A name may have anything but a slash in it. */
function nodesOf(listing: string, above: string): Node[] {
  return [...listing.matchAll(/^\/(\d+)\/([0-7]+)\/\d+\/\d+\/([^/]+)\/(\d*)\/$/gm)].flatMap(
    ([, inode, mode, name, bytes]) => {
      if (name === '.' || name === '..' || inode === '0') return [];
      const path = above === '' ? `${name}` : `${above}/${name}`;
      return [{ path, inode: Number(inode), mode: Number.parseInt(mode ?? '', 8), bytes: Number(bytes) }];
    },
  );
}

/** Units that may be enabled: what an image has besides waits for nobody. */
const mayBeEnabled = new Set([
  ...[
    'systemd-networkd.service',
    'systemd-networkd.socket',
    'systemd-resolved.service',
    'systemd-timesyncd.service',
  ],
  ...['nftables.service', 'fstrim.timer', 'loadline-serial-number.service'],
  ...[
    'loadline-gateway.service',
    'loadline-egress.timer',
    'loadline-network.service',
    'loadline-network.path',
  ],
  ...['loadline-update.path', 'loadline-card.service'],
]);

/** Programs that wait for somebody, by their names. */
const listeners =
  /^(sshd|dropbear|telnetd|in\.telnetd|rpcbind|avahi-daemon|cupsd|exim4|postfix|master|inetd|xinetd|vsftpd|nginx|apache2|lighttpd|dnsmasq|named|unbound|chronyd|ntpd|snmpd|smbd|nmbd|rsyncd|sshd-session|gdbserver|socat|nc\.[a-z]+)$/;

const mustBeMasked = ['getty@.service', 'serial-getty@.service', 'console-getty.service', 'getty.target'];

/**
 * What must not be in an image that goes to others: lines that say what, and where; none where all is well.
 *
 * @param image the unpacked image
 */
export async function scanImage(image: string, layout: Layout): Promise<string[]> {
  const [, root, data] = layout.partitions;
  return [
    ...(await scanRoot(new ExtImage(image, root.from))),
    ...(await scanData(new ExtImage(image, data.from))),
    ...(await scanForKeys(image, layout.partitions)),
  ];
}

/** Of the system: who could log in, what would listen, what one machine has and no other may have. */
export async function scanRoot(files: ExtImage): Promise<string[]> {
  const nodes = await files.walk();
  const paths = new Map(nodes.map((node) => [node.path, node]));
  const faults: string[] = [];
  for (const { path, mode, bytes } of nodes) {
    const name = path.slice(path.lastIndexOf('/') + 1);
    const isFile = (mode & kind) === regular;
    if (isFile && (mode & 0o6000) !== 0)
      faults.push(`${path} is run as somebody else (set-user-id or set-group-id)`);
    if (isFile && (mode & 0o002) !== 0) faults.push(`${path} may be written by everybody`);
    if (isFile && (mode & 0o111) !== 0 && listeners.test(name))
      faults.push(`${path} is a program that listens`);
    if (/^ssh_host_.*_key$|^authorized_keys$|^id_(rsa|ecdsa|ed25519)$/.test(name))
      faults.push(`${path} is a key of SSH`);
    if (/(^|\/)(random-seed|urandom)$/.test(path) && isFile && path !== 'dev/urandom')
      faults.push(`${path} is a random seed, the same on each machine`);
    if (/^var\/lib\/apt\/lists\/|^var\/cache\/apt\/.*\.(deb|bin)$/.test(path) && isFile)
      faults.push(`${path} is left over from the build`);
    if (path === 'etc/machine-id' && bytes !== 0)
      faults.push('etc/machine-id says which machine it is, on each one the same');
  }
  if (!paths.has('etc/machine-id'))
    faults.push('etc/machine-id is missing: none can be put over it where / is read-only');
  faults.push(
    ...(await passwordsIn(files, paths)),
    ...(await unitsIn(files, paths)),
    ...(await mountsIn(files, paths)),
  );
  return faults;
}

async function passwordsIn(files: ExtImage, paths: ReadonlyMap<string, Node>): Promise<string[]> {
  if (!paths.has('etc/shadow')) return ['etc/shadow is missing: passwords could be in etc/passwd'];
  const faults: string[] = [];
  for (const line of (await files.textOf('etc/shadow')).split('\n').filter((each) => each !== '')) {
    const [user, password = ''] = line.split(':');
    if (!/^[!*]+$/.test(password)) faults.push(`etc/shadow: ${user} has a password, or needs none`);
  }
  for (const line of (await files.textOf('etc/passwd')).split('\n').filter((each) => each !== '')) {
    const [user, password, uid] = line.split(':');
    if (password !== 'x') faults.push(`etc/passwd: ${user} has its password there`);
    if (uid === '0' && user !== 'root') faults.push(`etc/passwd: ${user} is root by another name`);
  }
  return faults;
}

async function unitsIn(files: ExtImage, paths: ReadonlyMap<string, Node>): Promise<string[]> {
  const faults: string[] = [];
  const own = [...paths.keys()].filter((path) => path.startsWith('etc/systemd/system/'));
  for (const path of own) {
    const unit = /^etc\/systemd\/system\/[^/]+\.(?:wants|requires)\/([^/]+)$/.exec(path)?.[1];
    if (unit !== undefined && !mayBeEnabled.has(unit))
      faults.push(`${path}: ${unit} is enabled, and is not among those that may be`);
  }
  for (const unit of mustBeMasked) {
    const path = `etc/systemd/system/${unit}`;
    const node = paths.get(path);
    if (node === undefined || (node.mode & kind) !== link || (await files.linkOf(path)) !== '/dev/null') {
      faults.push(`${path} does not lead to /dev/null: somebody could be asked to log in`);
    }
  }
  if (!paths.has('etc/systemd/system-generators/systemd-getty-generator')) {
    faults.push('systemd-getty-generator is not masked: it puts a getty on each console');
  }
  const sockets = [...paths].filter(
    ([path, { mode }]) =>
      /^(etc|usr\/lib)\/systemd\/system\/[^/]+\.socket$/.test(path) && (mode & kind) === regular,
  );
  for (const [path] of sockets) {
    for (const [line, what = ''] of (await files.textOf(path)).matchAll(
      /^Listen(?:Stream|Datagram|SequentialPacket)=(.*)$/gm,
    )) {
      if (what !== '' && !/^[/@%]/.test(what)) faults.push(`${path} listens on a network: ${line}`);
    }
  }
  return faults;
}

async function mountsIn(files: ExtImage, paths: ReadonlyMap<string, Node>): Promise<string[]> {
  if (!paths.has('etc/fstab')) return ['etc/fstab is missing'];
  const lines = (await files.textOf('etc/fstab')).split('\n').map((line) => line.split(/\s+/));
  const options = (at: string) => lines.find(([, where]) => where === at)?.[3]?.split(',') ?? [];
  const faults: string[] = [];
  if (!options('/').includes('ro')) faults.push('etc/fstab: / is not mounted read-only');
  for (const word of ['nosuid', 'nodev']) {
    if (!options('/var').includes(word)) faults.push(`etc/fstab: /var is not mounted ${word}`);
  }
  return faults;
}

/** What a gateway writes at its first start is not there before it. */
export async function scanData(files: ExtImage): Promise<string[]> {
  return (await files.walk())
    .filter(({ mode, path }) => (mode & kind) === regular && path !== '')
    .map(({ path }) => `var/${path} is a file: the data partition has none before the first start`);
}

const keyHead = 'PRIVATE KEY-----';
/** The words of a key, and what a key has: programs have the words alone. */
const wholeKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----\r?\n(?:[A-Za-z-]+: .*\r?\n|\r?\n)*[A-Za-z0-9+/=]{32,}/;
const pieceBytes = 16 * 1024 * 1024;
/** Bytes around the words that decide. */
const around = 512;

/** Private keys in PEM, wherever in the image they are: in files, in what was deleted, between partitions. */
export async function scanForKeys(image: string, partitions: readonly Partition[]): Promise<string[]> {
  const file = await open(image, 'r');
  const found: string[] = [];
  try {
    const { size } = await file.stat();
    const buffer = Buffer.alloc(pieceBytes + 2 * around);
    for (let from = 0; from < size; from += pieceBytes) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, from);
      const piece = buffer.subarray(0, bytesRead);
      for (
        let at = piece.indexOf(keyHead);
        at >= 0 && at < pieceBytes + around;
        at = piece.indexOf(keyHead, at + 1)
      ) {
        const text = piece.toString('latin1', Math.max(0, at - 64), at + around);
        if (wholeKey.test(text)) found.push(await whereIs(image, partitions, from + at));
      }
    }
  } finally {
    await file.close();
  }
  return [...new Set(found)].map((where) => `${where} has a private key in it`);
}

async function whereIs(image: string, partitions: readonly Partition[], offset: number): Promise<string> {
  const within = partitions.find(({ from, bytes }) => offset >= from && offset < from + bytes);
  if (within === undefined) return `byte ${offset}`;
  if (within.what === 'boot') return `the boot partition, at byte ${offset - within.from},`;
  const path = await new ExtImage(image, within.from).pathAt(offset - within.from);
  return path ?? `the ${within.what} partition, where no file is (byte ${offset - within.from}),`;
}
