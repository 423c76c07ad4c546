import type { Config } from './config/index.ts';
import { forgetWedge, type Look, readWedge, serviceManager, verdictLine, Watchdog } from './health/index.ts';
import type { World } from './world.ts';

/** The watchdog of a gateway. @param inForce how long it waits is the configuration's to say */
export function watchdogOf(
  { log, environment, pid }: World,
  state: string,
  { inForce, look }: { readonly inForce: () => Config; readonly look: () => Look },
): Watchdog {
  const watchdog: Watchdog = new Watchdog({
    look,
    manager: serviceManager({
      environment,
      pid,
      onFailure: (reason) => log.warn('watchdog-not-told', { reason }),
    }),
    patience: {
      get wedged() {
        return inForce().health.wedged_seconds * 1000;
      },
      get gather() {
        return inForce().uplink.max_delay_ms;
      },
    },
    state,
    log,
    status: () => verdictLine(watchdog.verdict),
  });
  return watchdog;
}

/** Has it told, once, that the watchdog ended the run before this one. @param tell resolves when that is on disk */
export async function tellWedge(state: string, tell: (wedged: string) => Promise<void>): Promise<void> {
  const wedged = await readWedge(state);
  if (wedged === undefined) return;
  await tell(wedged);
  await forgetWedge(state);
}
