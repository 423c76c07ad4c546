import type { Operations, ReplyOf, RunningReply } from '@loadline/sdk/api';
import { compareVersions } from '@loadline/sdk/release';
import { reachesDevice, type Standing } from '../../../access/index.ts';
import type { Releases } from '../../../releases/index.ts';
import type { GatewayUpdates, GatewayView } from '../../../rollouts/index.ts';
import type { Device, Directory } from '../../../router/index.ts';
import type { UpdateStateRow } from '../../../store/index.ts';
import type { Handlers } from '../call.ts';
import { pageByKey } from '../places.ts';
import { Problem } from '../problem.ts';
import { nameOf } from './downlink.ts';
import { demandInService, isoTime } from './editing.ts';

type UpdateReply = ReplyOf<Operations['getUpdate']>;

/** Which releases gateways run, and are to run. */
export function updateHandlers({
  updates,
  releases,
  directory,
}: {
  updates: GatewayUpdates;
  releases: Releases;
  directory: Directory;
}): Pick<Handlers, 'listUpdates' | 'getUpdate' | 'patchUpdate' | 'retryUpdate'> {
  const describe = (view: GatewayView, standing: Standing): UpdateReply => {
    const { setting, state, isUpdated, wish, offers } = view;
    const target = state?.target;
    return {
      canary: setting?.canary === 1,
      pin: setting?.pin_release ?? null,
      pinnedBy:
        setting?.pin_by === undefined || setting.pin_by === null ? null : toldTo(setting.pin_by, standing),
      paused: !isUpdated,
      running: state === undefined ? null : runningOf(state),
      wish: wish === undefined ? null : { release: wish.release, by: wish.kind },
      releases: releases.all
        .filter(({ signed }) => signed.target === target)
        .map(({ signed }) => signed.version)
        .sort((a, b) => compareVersions(b, a)),
      offers: offers.map(({ id, release, rollout, made, state, code, detail, since }) => ({
        ...{ id, release, by: rollout === null ? ('pin' as const) : ('rollout' as const) },
        ...{ state, code, detail, made: isoTime(made), since: isoTime(since) },
      })),
    };
  };

  return {
    async listUpdates({ input: { query }, standing }) {
      const known = await updates.ofOrganisation(standing.organisation.id);
      const rows = directory
        .devicesOf(standing.organisation)
        .filter((one) => one.kind === 'gateway' && reachesDevice(standing.reach, one))
        .map(({ id: device, number }) => {
          const { setting, state } = known.get(number) ?? { setting: undefined, state: undefined };
          const running = state === undefined ? null : runningOf(state);
          return { device, canary: setting?.canary === 1, pin: setting?.pin_release ?? null, running };
        })
        .sort((a, b) => (a.device < b.device ? -1 : 1));
      return pageByKey(rows, query, ({ device }) => device);
    },

    async getUpdate({ device, standing }) {
      return describe(await updates.view(device), standing);
    },

    async patchUpdate({ input: { body }, caller, device, standing, entry }) {
      demandUpdatable(device);
      const { canary, pin } = body;
      if (typeof pin === 'string') await demandKnown(updates, device, pin);
      const view = await updates.change(
        device,
        { isCanary: canary, pin },
        {
          by: nameOf(caller),
          entry: (before, after) => entry({ target: targetOf(device), before, after }),
        },
      );
      return describe(view, standing);
    },

    async retryUpdate({ device, standing, entry }) {
      demandUpdatable(device);
      await updates.retry(device, entry({ target: targetOf(device), after: { retried: true } }));
      return describe(await updates.view(device), standing);
    },
  };
}

function targetOf({ id }: Device) {
  return { kind: 'device', id };
}

function demandUpdatable(device: Device): void {
  demandInService(device);
  if (device.kind !== 'gateway')
    throw new Problem(409, 'conflict', `${device.id} is no gateway: it is not updated`);
}

/** A pin to what there is not would keep a gateway from every release without a word. */
async function demandKnown(updates: GatewayUpdates, device: Device, release: string): Promise<void> {
  const { state } = await updates.view(device);
  if (state === undefined) {
    throw new Problem(
      409,
      'conflict',
      `${device.id} has not said yet what it runs: wait until it has been connected`,
    );
  }
  if (updates.knows(release, state.target)) return;
  throw new Problem(409, 'conflict', `there is no release ${release} for ${state.target}`);
}

/** Customers' people see none of the organisation's. */
function toldTo(by: string, { reach }: Standing): string {
  return reach.customer === null ? by : 'the organisation';
}

function runningOf(row: UpdateStateRow): RunningReply {
  const { release, target, slot, state, offer, code, detail, done, total } = row;
  return {
    ...{ release, target, slot, state, offer, code, detail, done, total, secondsLeft: row.seconds_left },
    ...{ since: isoTime(row.since), heard: isoTime(row.heard) },
  };
}
