import type { Authority, ServerIdentity } from './authority/index.ts';
import type { Cloud, CloudOptions } from './cloud.ts';
import { FencedDoors } from './doors/fenced/index.ts';
import { Metrics, OperationsListener, Readiness } from './operations/index.ts';
import type { Store } from './store/index.ts';

/** A cloud on a restored copy that has not taken over: it says so at its doors, and does nothing else. */
export async function openFenced(
  parts: Pick<CloudOptions, 'folder' | 'host' | 'httpsPort' | 'mqttPort' | 'operations' | 'log'> & {
    readonly identity: ServerIdentity;
    readonly authority: Authority;
    readonly store: Store;
    /** When the backup was made, ms since 1970. */
    readonly fenced: number;
    readonly failed: Promise<string>;
    readonly leaveFolder: () => void;
  },
): Promise<Cloud> {
  const { folder, log, store, authority, failed, fenced, leaveFolder } = parts;
  const monotonic = () => performance.now();
  const readiness = new Readiness({ folder, store, isFenced: () => true, monotonic });
  const doors = await FencedDoors.open(parts);
  const metrics = new Metrics();
  metrics.measureReadiness(async () => (await readiness.reasons()).length === 0);
  const operations =
    parts.operations && (await OperationsListener.open({ ...parts.operations, metrics, readiness, log }));
  log.warn('cloud-fenced', {
    backedUp: new Date(fenced).toISOString(),
    advice: 'a restored copy lets nobody in: stop it, and have it take over with restore --promote',
  });
  return {
    httpsPort: doors.httpsPort,
    mqttPort: doors.mqttPort,
    authorityPem: authority.certificatePem,
    operationsPort: operations?.port,
    setupLink: undefined,
    failed,
    close: async () => {
      await operations?.close();
      await doors.close();
      await store.close();
      leaveFolder();
    },
  };
}
