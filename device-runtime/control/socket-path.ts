import { lstat, unlink } from 'node:fs/promises';
import { createConnection } from 'node:net';

/** Why the local socket cannot be opened, or asked. */
export class ControlError extends Error {
  override readonly name = 'ControlError';
}

/** Bytes of sockaddr_un's path less its final zero: unix(7); 104 in all on macOS. */
const maxPathBytes = process.platform === 'linux' ? 107 : 103;

/** @throws ControlError where the kernel could not take the path. */
export function checkPath(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes <= maxPathBytes) return;
  throw new ControlError(
    `the path of the local socket has ${bytes} bytes, and the system takes ${maxPathBytes}: set control.socket to a shorter one than ${path}`,
  );
}

const answerMilliseconds = 2000;

/**
 * Removes a socket file that a run before this one left behind: one at which nobody answers.
 *
 * @throws ControlError where somebody does, or where the path is something else.
 */
export async function clearStale(path: string): Promise<void> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new ControlError(`the local socket cannot be made at ${path}: ${error.message}`);
  });
  if (found === undefined) return;
  if (!found.isSocket()) {
    throw new ControlError(`${path} is there and is no socket: remove it, or set control.socket elsewhere`);
  }
  if (await isAnswered(path)) {
    throw new ControlError(`another gateway answers at ${path}: two cannot share one state folder`);
  }
  await unlink(path).catch(() => {});
}

/** Whether a process listens there: only a refusal proves that none does. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    const answer = (isThere: boolean) => {
      socket.destroy();
      resolve(isThere);
    };
    socket.setTimeout(answerMilliseconds, () => answer(true));
    socket.once('connect', () => answer(true));
    socket.once('error', ({ code }: NodeJS.ErrnoException) =>
      answer(code !== 'ECONNREFUSED' && code !== 'ENOENT'),
    );
  });
}
