import { once } from 'node:events';
import type { Visit } from './call.ts';

/** Milliseconds between two looks at whether the caller may still have what he is being sent. */
const recheckMilliseconds = 1000;

/** A file that is made while it is sent. */
export interface SentFile {
  readonly type: string;
  /** What it is saved as: no quotation in it. */
  readonly name: string;
  /** Its text or bytes, in pieces of any length. */
  readonly pieces: AsyncIterator<string | Uint8Array>;
}

/**
 * Sends a file, as fast as its reader takes it and for as long as he may have it. What cannot be read at all is a problem,
 * and not half a file; what is cut short later breaks off, and does not look whole; why is logged, unless its reader went.
 */
export async function sendFile(
  visit: Visit,
  { type, name, pieces }: SentFile,
  stillMay: () => Promise<boolean>,
): Promise<void> {
  const first = await pieces.next();
  const stream = visit.stream();
  const gone = new AbortController();
  stream.once('close', () => gone.abort());
  stream.on('error', () => {});
  stream.writeHead(200, {
    'content-type': type,
    'cache-control': 'no-store',
    'content-disposition': `attachment; filename="${name}"`,
  });
  const recheck = setInterval(() => {
    void stillMay().then((may) => {
      if (!may) stream.destroy();
    });
  }, recheckMilliseconds);
  try {
    for (let piece = first; piece.done !== true; piece = await pieces.next()) {
      if (!stream.write(piece.value)) await once(stream, 'drain', { signal: gone.signal });
    }
    stream.end();
  } catch (error) {
    if (!stream.destroyed) visit.failed((error as Error).message);
    stream.destroy();
  } finally {
    clearInterval(recheck);
  }
}
