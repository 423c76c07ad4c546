import { lstat, readlink, symlink, unlink } from 'node:fs/promises';
import { RigError } from './errors.ts';

/** What leads a host to the tty of a port, whichever that is at the moment. */
export interface PortLink {
  /** What the host opens. */
  readonly path: string;
  /** The port has been plugged in as `device`, such as `/dev/pts/7`. */
  lead(device: string): Promise<void>;
  /** The port that was `device` is gone. */
  leave(device: string): Promise<void>;
}

/** One link of one name. */
export class StableLink implements PortLink {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  lead(device: string): Promise<void> {
    return linkTo(device, this.path);
  }

  async leave(device: string): Promise<void> {
    // Only if it is still this port's: another one may have been made in its place.
    const linked = await readlink(this.path).catch(() => undefined);
    if (linked === device) await unlink(this.path);
  }
}

/**
 * Makes a link, in place of one that is there: a process that was killed left it, or it is another device's of the
 * same name. Anything else in its place is not the rig's to remove: RigError `link`.
 */
export async function linkTo(target: string, path: string): Promise<void> {
  try {
    const old = await lstat(path).catch(() => undefined);
    if (old?.isSymbolicLink()) await unlink(path);
    await symlink(target, path);
  } catch (error) {
    throw new RigError('link', `cannot make the port's link ${path}: ${String(error)}`, { cause: error });
  }
}
