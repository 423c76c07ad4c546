import { Worker } from 'node:worker_threads';

/**
 * Starts a worker thread of this folder and waits for its `ready`. Sources run as `.ts`, a packed install as
 * `.js`: a thread's file has the extension of the file that starts it.
 */
export function startThread(name: string, data: unknown): Promise<Worker> {
  const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'));
  const worker = new Worker(new URL(`./${name}${extension}`, import.meta.url), { workerData: data, name });
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('message', () => {
      worker.off('error', reject);
      resolve(worker);
    });
  });
}
