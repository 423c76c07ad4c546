import { readdirSync, readFileSync, readlinkSync, type Stats, statSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';

/** A process that has a device open. */
export interface Holder {
  readonly pid: number;
  /** Its name as the kernel has it, at most 15 characters. */
  readonly name: string;
  readonly command: string;
}

/** What a look through the processes found. */
export interface Look {
  /** Who holds which device (st_rdev); devices that nobody else has open are not in it. */
  readonly holders: ReadonlyMap<number, readonly Holder[]>;
  /** Processes whose open files this process may not see, and how many there were in all. */
  readonly unseen: number;
  readonly processes: number;
}

/** Processes looked at before others get a turn: frames go first. */
const atOnce = 16;
const maxCommand = 120;
/** Majors of the kernel's ptys (Documentation/admin-guide/devices.txt). */
const ptyMajors = { first: 136, last: 143 };

/**
 * Looks through /proc/PID/fd for the processes that have one of `devices` open, this one left out. It costs some
 * milliseconds, in turns with everything else, and says how many processes it could not look into.
 */
export async function findHolders(devices: Iterable<number>, proc = '/proc'): Promise<Look> {
  const wanted = new Set(devices);
  const holders = new Map<number, Holder[]>();
  let unseen = 0;
  const pids = readdirSync(proc)
    .filter((name) => /^[0-9]+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid);
  // The first process is always there. Where it is hidden (ProtectProc= of systemd), so are others.
  if (process.pid !== 1 && !pids.includes(1)) pids.unshift(1);
  for (const [index, pid] of pids.entries()) {
    if (index % atOnce === atOnce - 1) await turn();
    const open = openDevices(`${proc}/${pid}`, wanted);
    if (open === 'unseen') unseen++;
    else for (const device of open) add(holders, device, holderOf(proc, pid));
  }
  return { holders, unseen, processes: pids.length };
}

function add(holders: Map<number, Holder[]>, device: number, holder: Holder): void {
  const present = holders.get(device);
  if (present === undefined) holders.set(device, [holder]);
  else present.push(holder);
}

/** Which of the wanted devices a process has open. A process that has ended meanwhile has none. */
function openDevices(folder: string, wanted: ReadonlySet<number>): ReadonlySet<number> | 'unseen' {
  let names: string[];
  try {
    names = readdirSync(`${folder}/fd`);
  } catch (error) {
    const hasEnded = (error as NodeJS.ErrnoException).code === 'ENOENT' && !folder.endsWith('/1');
    return hasEnded ? new Set() : 'unseen';
  }
  const found = new Set<number>();
  const masters: string[] = [];
  for (const name of names) {
    const path = `${folder}/fd/${name}`;
    try {
      const target = readlinkSync(path);
      // Most are sockets, pipes and files: not worth a second call.
      if (!target.startsWith('/dev/')) continue;
      if (target.endsWith('/ptmx')) masters.push(name);
      const stats = statSync(path);
      if (stats.isCharacterDevice() && wanted.has(stats.rdev) && isOfHere(stats)) found.add(stats.rdev);
    } catch {
      // Closed meanwhile.
    }
  }
  return found.size > 0 && masters.length > 0 ? withoutFarEnds(folder, found, masters) : found;
}

/** A container has ptys of its own that go by the same numbers: only their file system tells them apart. */
function isOfHere({ rdev, dev }: Stats): boolean {
  if (!isPty(rdev)) return true;
  const here = statSync('/dev/pts', { throwIfNoEntry: false });
  return here === undefined || here.dev === dev;
}

/** Whoever has a pty's master is the other end of the line: a simulated base station, no rival for its bytes. */
function withoutFarEnds(folder: string, found: Set<number>, masters: readonly string[]): Set<number> {
  for (const name of masters) {
    try {
      const [, index] =
        /^tty-index:\s*([0-9]+)$/m.exec(readFileSync(`${folder}/fdinfo/${name}`, 'ascii')) ?? [];
      for (const device of found) {
        if (isPty(device) && minorOf(device) === Number(index)) found.delete(device);
      }
    } catch {
      // Closed meanwhile.
    }
  }
  return found;
}

/** Linux's dev_t: 12 bits of major above 8 of minor, the rest of the minor above those. */
const majorOf = (device: number): number => Math.floor(device / 0x100) & 0xfff;
const minorOf = (device: number): number => (device & 0xff) | ((device >>> 12) & 0xfff00);

function isPty(device: number): boolean {
  const major = majorOf(device);
  return major >= ptyMajors.first && major <= ptyMajors.last;
}

function holderOf(proc: string, pid: number): Holder {
  const read = (file: string): string => {
    try {
      return readFileSync(`${proc}/${pid}/${file}`, 'utf8');
    } catch {
      return '';
    }
  };
  const name = read('comm').trim();
  const command = read('cmdline').replaceAll('\0', ' ').trim().slice(0, maxCommand);
  return { pid, name, command: command === '' ? name : command };
}

/** Who it is and what to do about it, in words. `path` is the port's. */
export function adviceOn({ pid, name, command }: Holder, path: string): string {
  const who = `${name} (pid ${pid}: ${command})`;
  const device = path.split('/').at(-1);
  if (/^(?:a?getty|login)$/.test(name)) {
    return `${who} offers a login on it: systemctl disable --now serial-getty@${device}.service, and take console= out of the kernel's command line`;
  }
  if (name === 'ModemManager') {
    return `${who} looks for a modem on it: systemctl mask --now ModemManager.service`;
  }
  return `${who} has it open: stop that program`;
}
