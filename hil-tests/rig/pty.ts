import { closeSync, constants, openSync } from 'node:fs';
import { getSystemErrorMap } from 'node:util';
import koffi from 'koffi';
import { RigError } from './errors.ts';

/*
 * A pty through the C library's own functions (posix_openpt(3), termios(3)).
 *
 * The descriptors must be close-on-exec from birth: a gateway started by the same test would otherwise inherit
 * the master, and closing ours would no longer be a hang-up. Ready-made bindings that only call openpty(3) leave
 * both ends inheritable, and Node has no way to change that afterwards.
 */

/** Both ends of a pty, raw, not blocking, not inherited by child processes. */
export interface Pty {
  /** The simulator's end. */
  readonly master: number;
  /** The host's end, held open so that the master gets no EIO whenever the host closes its own. */
  readonly slave: number;
  /** What the host opens: `/dev/pts/N`. */
  readonly device: string;
}

// <fcntl.h> of Linux on x86, ARM and RISC-V; Node does not export it.
const O_CLOEXEC = 0o2000000;
const TCSANOW = 0;
const TCOOFF = 0;
const TCOON = 1;
// <asm-generic/ioctls.h>: the same on x86, ARM and RISC-V.
const FIONREAD = 0x541b;
const TIOCEXCL = 0x540c;
const TIOCNXCL = 0x540d;
// <sys/file.h>
const LOCK_EX = 2;
const LOCK_NB = 4;
// Larger than struct termios of any C library: its layout is never looked into here.
const TERMIOS_BYTES = 256;
const NAME_BYTES = 128;

interface Libc {
  posix_openpt(flags: number): number;
  grantpt(fd: number): number;
  unlockpt(fd: number): number;
  ptsname_r(fd: number, name: Uint8Array, length: number): number;
  tcgetattr(fd: number, termios: Uint8Array): number;
  cfmakeraw(termios: Uint8Array): void;
  tcsetattr(fd: number, action: number, termios: Uint8Array): number;
  tcflow(fd: number, action: number): number;
  flock(fd: number, operation: number): number;
  ioctl(fd: number, request: number, value: Uint8Array): number;
}

let loaded: Libc | undefined;

function libc(): Libc {
  if (loaded !== undefined) return loaded;
  if (process.platform !== 'linux') {
    throw new RigError('platform', `virtual ports need Linux, and this is ${process.platform}`);
  }
  // Node itself is linked with the C library, whichever it is (glibc, musl).
  const library = koffi.load(null);
  loaded = {
    posix_openpt: library.func('int posix_openpt(int flags)'),
    grantpt: library.func('int grantpt(int fd)'),
    unlockpt: library.func('int unlockpt(int fd)'),
    ptsname_r: library.func('int ptsname_r(int fd, _Out_ uint8_t *name, size_t length)'),
    tcgetattr: library.func('int tcgetattr(int fd, _Out_ uint8_t *termios)'),
    cfmakeraw: library.func('void cfmakeraw(_Inout_ uint8_t *termios)'),
    tcsetattr: library.func('int tcsetattr(int fd, int action, _In_ uint8_t *termios)'),
    tcflow: library.func('int tcflow(int fd, int action)'),
    flock: library.func('int flock(int fd, int operation)'),
    ioctl: library.func('int ioctl(int fd, ulong request, _Out_ uint8_t *value)'),
  };
  return loaded;
}

/**
 * Makes a pty. The line discipline is raw before anyone can open it, so all 256 byte values pass both ways.
 * Throws RigError `pty` when the kernel refuses (for instance when its ptys are used up), `platform` off Linux.
 */
export function openPty(): Pty {
  const c = libc();
  const master = c.posix_openpt(constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK | O_CLOEXEC);
  if (master < 0) throw refused('posix_openpt');
  let slave: number | undefined;
  try {
    if (c.grantpt(master) !== 0) throw refused('grantpt');
    if (c.unlockpt(master) !== 0) throw refused('unlockpt');
    const name = Buffer.alloc(NAME_BYTES);
    if (c.ptsname_r(master, name, NAME_BYTES) !== 0) throw refused('ptsname_r');
    const device = name.toString('latin1', 0, name.indexOf(0));
    // O_NOCTTY: a hang-up of this port must never signal the process that simulates it.
    slave = openSync(device, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
    const termios = Buffer.alloc(TERMIOS_BYTES);
    if (c.tcgetattr(slave, termios) !== 0) throw refused('tcgetattr');
    c.cfmakeraw(termios);
    if (c.tcsetattr(slave, TCSANOW, termios) !== 0) throw refused('tcsetattr');
    return { master, slave, device };
  } catch (error) {
    if (slave !== undefined) closeSync(slave);
    closeSync(master);
    throw error;
  }
}

/** Gives up a pty that was never plugged in. */
export function closePty({ master, slave }: Pty): void {
  closeSync(slave);
  closeSync(master);
}

/** Bytes that have come to the host's end and that the host has not read yet. */
export function unreadBytes(slave: number): number {
  const count = Buffer.alloc(4);
  if (libc().ioctl(slave, FIONREAD, count) !== 0) throw refused('ioctl FIONREAD');
  return count.readInt32LE();
}

/**
 * Whether the host's bytes are taken: `stopped`, the kernel takes not one more of them (tcflow(3)), as of a line whose
 * flow control says stop. What it has taken already stays on its way.
 */
export function setFlow(slave: number, flow: 'going' | 'stopped'): void {
  if (libc().tcflow(slave, flow === 'going' ? TCOON : TCOOFF) !== 0) throw refused('tcflow');
}

/** Locks a tty for this process as serialport and minicom do (flock(2)): it binds only programs that ask. */
export function lockTty(fd: number): void {
  if (libc().flock(fd, LOCK_EX | LOCK_NB) !== 0) throw refused('flock');
}

/**
 * Keeps everybody but root from opening a tty from now on, or no more (ioctl_tty(2)). The kernel ends it at the last
 * close, which never comes while the rig holds the host's end: whoever made it exclusive has to end it.
 */
export function setSharing(fd: number, sharing: 'exclusive' | 'shared'): void {
  const request = sharing === 'exclusive' ? TIOCEXCL : TIOCNXCL;
  if (libc().ioctl(fd, request, Buffer.alloc(4)) !== 0) throw refused('ioctl TIOCEXCL');
}

/** What the kernel said to the last call, as an error. */
export function refused(call: string): RigError {
  const errno = koffi.errno();
  const [code, meaning] = getSystemErrorMap().get(-errno) ?? [`errno ${errno}`, 'unknown error'];
  return new RigError('pty', `the kernel refused a tty: ${call}: ${code}, ${meaning}`);
}
