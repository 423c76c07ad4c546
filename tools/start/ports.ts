import { createServer } from 'node:net';

/** `wanted` where nothing listens on it, else 0: whoever listens then takes a free one. */
export async function portOrFree(wanted: number): Promise<number> {
  const server = createServer();
  return await new Promise((resolve) => {
    server.once('error', () => resolve(0));
    server.listen(wanted, '127.0.0.1', () => server.close(() => resolve(wanted)));
  });
}
