import { closeSync, openSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Log } from '@loadline/sdk/platform';
import * as z from 'zod';
import type { CopyAnswer, CopyQuestion, Store } from '../store/index.ts';
import type { AskWriter } from './copy-database.ts';

/**
 * The way from `loadline-cloud backup` to a cloud at work: a socket in the state folder, which only its owner may enter.
 * Lines of JSON, one question at a time: `{"ask":"begin"}` and so on, answered by `{"answer":…}` or `{"error":"…"}`. Who
 * leaves has ended his copy.
 */

/** Bytes that the path of a socket may have (sun_path) less a few. */
const longestPath = 100;

const line = z.strictObject({ ask: z.enum(['begin', 'changed', 'hold', 'end']) });

/** Where the socket is: where the folder's path is too long for one, by way of a descriptor of the folder (Linux). */
function socketPath(folder: string): { readonly path: string; readonly leave: () => void } {
  const path = join(folder, 'backup.sock');
  if (Buffer.byteLength(path) <= longestPath || process.platform !== 'linux')
    return { path, leave: () => undefined };
  const descriptor = openSync(folder, 'r');
  return { path: `/proc/self/fd/${descriptor}/backup.sock`, leave: () => closeSync(descriptor) };
}

/** Lets `loadline-cloud backup` on this machine copy the database; without it everything else works. */
export async function offerCopies(folder: string, store: Store, log: Log): Promise<() => Promise<void>> {
  try {
    return await openSocket(folder, (question) => store.copy(question));
  } catch (error) {
    log.warn('backup-socket-unavailable', { reason: (error as Error).message });
    return async () => undefined;
  }
}

/** Answers backups until the function it returns is called. `folder` must be taken. */
async function openSocket(
  folder: string,
  ask: (question: CopyQuestion) => Promise<CopyAnswer>,
): Promise<() => Promise<void>> {
  const { path, leave } = socketPath(folder);
  await rm(path, { force: true });
  let taken: Socket | undefined;
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    const say = (what: object) => void socket.write(`${JSON.stringify(what)}\n`);
    if (taken !== undefined) {
      say({ error: 'another backup of this cloud is under way: wait for it, or end it' });
      socket.end();
      return;
    }
    taken = socket;
    socket.once('close', () => {
      taken = undefined;
      ask('end').catch(() => undefined);
    });
    createInterface({ input: socket, crlfDelay: Number.POSITIVE_INFINITY }).on('line', (text) => {
      const question = line.safeParse(parsed(text)).data?.ask;
      if (question === undefined) socket.destroy();
      else
        ask(question).then(
          (answer) => say({ answer }),
          (error: Error) => say({ error: error.message }),
        );
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  return async () => {
    taken?.destroy();
    await new Promise((resolve) => server.close(resolve));
    leave();
  };
}

/** The writer of the cloud that is at work on a folder. @throws Error where it cannot be asked */
export async function askCloud(
  folder: string,
): Promise<{ readonly ask: AskWriter; readonly close: () => void }> {
  const { path, leave } = socketPath(folder);
  const socket = connect(path);
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', (error: Error) =>
      reject(
        new Error(
          `the cloud at work on ${folder} does not answer (${error.message}): is it of the same version, and are you its user?`,
        ),
      ),
    );
  }).finally(leave);
  const waiting: { resolve: (answer: CopyAnswer) => void; reject: (error: Error) => void }[] = [];
  let ended = false;
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    ended = true;
    for (const { reject } of waiting.splice(0)) reject(new Error('the cloud has ended'));
  });
  createInterface({ input: socket, crlfDelay: Number.POSITIVE_INFINITY }).on('line', (text) => {
    const said = parsed(text) as { answer?: CopyAnswer; error?: string } | undefined;
    const asked = waiting.shift();
    if (said?.answer !== undefined) asked?.resolve(said.answer);
    else asked?.reject(new Error(said?.error ?? 'the cloud answered nothing that can be understood'));
  });
  return {
    ask: (question) =>
      new Promise((resolve, reject) => {
        if (ended) {
          reject(new Error('the cloud has ended'));
          return;
        }
        waiting.push({ resolve, reject });
        socket.write(`${JSON.stringify({ ask: question })}\n`);
      }),
    close: () => socket.destroy(),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
