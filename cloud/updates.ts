import type { UpdatingMessage } from '@loadline/sdk/contract';
import type { Log } from '@loadline/sdk/platform';
import type { Keyring } from './keys/index.ts';
import type { Mailer } from './mail/index.ts';
import { Releases } from './releases/index.ts';
import { GatewayUpdates, Rollouts } from './rollouts/index.ts';
import type { Device, Directory, Live } from './router/index.ts';
import type { Store } from './store/index.ts';

/** What gateways are updated by: the repository, rollouts, and what each gateway is offered. */
export interface Updates {
  readonly releases: Releases;
  readonly rollouts: Rollouts;
  readonly updates: GatewayUpdates;
  /** For the router: a gateway has said, and it is on disk, how far it is. */
  readonly onUpdating: (device: Device, message: UpdatingMessage) => void;
  close(): Promise<void>;
}

/** Opens all of it over a state folder. */
export async function openUpdates(parts: {
  readonly folder: string;
  readonly keys: Keyring;
  readonly store: Store;
  readonly directory: Directory;
  readonly mailer: Pick<Mailer, 'send'>;
  readonly live: Live;
  /** Told of a rollout that was halted by itself. */
  readonly onHalted: () => void;
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}): Promise<Updates> {
  const { store, live, now } = parts;
  const releases = await Releases.open(parts);
  const rollouts = await Rollouts.open({ ...parts, shelf: releases });
  const updates = new GatewayUpdates({
    ...{ store, rollouts, shelf: releases, now },
    onSaid: (device, message) => live.publishUpdate(device, message),
  });
  releases.onChange(() => updates.changed());
  return {
    ...{ releases, rollouts, updates },
    onUpdating: (device, message) => updates.said(device, message),
    close: async () => {
      await rollouts.close();
      await releases.close();
    },
  };
}
