import type { Operations, ReplyOf } from '@loadline/sdk/api';
import { reachesDevice, type Standing } from '../../../access/index.ts';
import type { Enrolments } from '../../../people/index.ts';
import type { Device, Directory } from '../../../router/index.ts';
import { type Store, step } from '../../../store/index.ts';
import type { Retirement } from '../../../units/index.ts';
import type { Handlers } from '../call.ts';
import { pageOf } from '../pages.ts';
import { Problem } from '../problem.ts';
import { demandInService, doneOf, isoTime } from './editing.ts';

type DeviceReply = ReplyOf<Operations['getDevice']>;

/** Devices: take them in, say whose they are, switch them off and on, retire them. */
export function deviceHandlers(parts: {
  store: Store;
  directory: Directory;
  enrolments: Enrolments;
  retirement: Retirement;
  /** Whether a device has a link to the MQTT door now. */
  isConnected: (device: string) => boolean;
}): Pick<
  Handlers,
  'listDevices' | 'createDevice' | 'getDevice' | 'patchDevice' | 'enrolDevice' | 'retireDevice'
> {
  const { store, directory, enrolments, retirement, isConnected } = parts;
  const describe = (device: Device): DeviceReply => ({
    id: device.id,
    name: device.name,
    kind: device.kind,
    enabled: device.enabled,
    retired: device.retired === null ? null : isoTime(device.retired),
    department: device.department,
    customer: device.customer,
    connected: isConnected(device.id),
    runtime: device.reported?.runtime ?? null,
  });

  return {
    listDevices({ input: { query }, standing }) {
      const devices = directory
        .devicesOf(standing.organisation)
        .filter((one) => reachesDevice(standing.reach, one))
        .map(describe)
        .filter((one) => fits(one, query))
        .sort((a, b) => (a.id < b.id ? -1 : 1));
      return pageOf(devices, query, ({ id }) => id);
    },

    async createDevice({ input: { body }, standing, entry }) {
      const { id, name, kind } = body;
      const { organisation } = standing;
      const place = placeFor(standing, body);
      demandWithin(standing, id, place);
      demandOwnOrder(standing, { department: null }, body);
      // An id that is taken, here or in another organisation, is answered like one that cannot be had at all.
      const taken = () => new Problem(409, 'conflict', `the id ${id} cannot be had: choose another`);
      if (directory.device(id) !== undefined) throw taken();
      const { secret, steps } = enrolments.offer(id);
      const changed = await store.change({
        steps: [
          step('addDevice', { id, organisation: organisation.id, kind }, 'some'),
          step('setDevicePlace', { id, organisation: organisation.id, name: name ?? null, ...place }, 'some'),
          ...steps,
        ],
        audit: [entry({ target: { kind: 'device', id }, after: { id, kind, name: name ?? null, ...place } })],
      });
      if (!changed.done) throw changed.step === 0 ? taken() : noSuchPlace();
      await directory.reload();
      return { id, enrolmentSecret: secret };
    },

    getDevice: ({ device }) => describe(device),

    async patchDevice({ input: { body }, device, standing, entry }) {
      const { id, organisation } = device;
      const { name, department, customer, enabled } = device;
      const before = { name, department, customer, enabled };
      const after = { ...before, ...body };
      demandWithin(standing, id, after);
      demandOwnOrder(standing, before, body);
      if (body.enabled) demandInService(device);
      // Only where it is asked for: who renames a device must not switch on what another switches off meanwhile.
      const switched =
        body.enabled === undefined ? [] : [step('setDeviceEnabled', { id, enabled: body.enabled ? 1 : 0 })];
      const changed = await store.change({
        steps: [
          step('setDevicePlace', { id, organisation: organisation.id, ...placeOf(after) }, 'some'),
          ...switched,
        ],
        audit: [entry({ target: { kind: 'device', id }, before, after })],
      });
      if (!changed.done) throw noSuchPlace();
      await directory.reload();
      return describe(device);
    },

    async enrolDevice({ device, entry }) {
      demandInService(device);
      const { id } = device;
      const { secret, steps } = enrolments.offer(id);
      await store.change({ steps, audit: [entry({ target: { kind: 'device', id } })] });
      return { id, enrolmentSecret: secret };
    },

    async retireDevice({ device, entry }) {
      doneOf(await retirement.retire({ entry }, device));
      return describe(device);
    },
  };
}

type Place = { readonly department: string | null; readonly customer: string | null };

/** Where a new device belongs: what is asked for, or, for who acts for one department or customer, that one. */
function placeFor({ reach }: Standing, { department, customer }: Place): Place {
  const { departments } = reach;
  const only = departments !== 'all' && departments.ids.size === 1 ? [...departments.ids][0] : undefined;
  return { department: department ?? only ?? null, customer: customer ?? reach.customer };
}

/** Nobody puts a device where he could not see it. */
function demandWithin({ reach }: Standing, id: string, place: Place): void {
  if (reachesDevice(reach, { id, ...place })) return;
  throw new Problem(
    403,
    'more-than-own',
    'a device must stay within what you act for: name your department or customer',
  );
}

/** Departments are the organisation's own order: its customers' people name none, and take no device out of one. */
function demandOwnOrder(
  { reach }: Standing,
  before: Pick<Place, 'department'>,
  { department }: { readonly department?: string | null | undefined },
): void {
  if (reach.customer === null || department === undefined) return;
  if (department === null && before.department === null) return;
  throw new Problem(403, 'more-than-own', 'departments are for the people of the organisation itself');
}

function placeOf({ name, department, customer }: Place & { readonly name: string }) {
  return { name, department, customer };
}

function noSuchPlace(): Problem {
  return new Problem(404, 'not-found', 'there is no such department or customer');
}

function fits(
  device: DeviceReply,
  filter: {
    readonly name?: string | undefined;
    readonly department?: string | undefined;
    readonly customer?: string | undefined;
    readonly connected?: 'true' | 'false' | undefined;
  },
): boolean {
  const { name, department, customer, connected } = filter;
  if (name !== undefined && !device.name.toLowerCase().includes(name.toLowerCase())) return false;
  if (department !== undefined && (device.department ?? 'none') !== department) return false;
  if (customer !== undefined && (device.customer ?? 'none') !== customer) return false;
  return connected === undefined || String(device.connected) === connected;
}
