import type { Operations, ReplyOf } from '@loadline/sdk/api';
import type { ProvisioningRow } from '../../../store/index.ts';
import type { Provisionings, Unit, Units } from '../../../units/index.ts';
import type { Handlers } from '../call.ts';
import { pageOf } from '../pages.ts';
import { pageByKey } from '../places.ts';
import { doneOf, isoTime, partyOf, personOf } from './editing.ts';

/** Boards that gateways run on: vouchers for them, who owns them, and how they were provisioned. */
export function unitHandlers({
  units,
  provisionings,
}: {
  units: Units;
  provisionings: Provisionings;
}): Pick<
  Handlers,
  'createVoucher' | 'listUnits' | 'releaseUnit' | 'releaseFleetUnit' | 'addProvisioning' | 'listProvisionings'
> {
  return {
    async createVoucher(call) {
      const { serialNumber: serial, nonce, counter } = call.input.body;
      const made = doneOf(await units.voucher(call, { serial, nonce, counter }));
      return { ...made, expires: made.expires === null ? null : isoTime(made.expires) };
    },

    async listUnits({ input: { query }, standing }) {
      return pageByKey((await units.list(standing)).map(describe), query, ({ id }) => id);
    },

    async releaseUnit(call) {
      return doneOf(await units.release(call, call.input.unit));
    },

    async releaseFleetUnit({ input, caller, entry }) {
      return doneOf(await units.releaseByOperator({ person: personOf(caller), entry }, input.unit));
    },

    async addProvisioning({ input, caller, device, entry }) {
      const bringer = { entry, party: partyOf(caller) };
      return { id: doneOf(await provisionings.add(bringer, device, input.body)) };
    },

    async listProvisionings({ input: { query }, device }) {
      const all = await provisionings.list(device);
      return pageOf(all.map(describeRecord), query, ({ id }) => id);
    },
  };
}

function describe({
  serial,
  counter,
  device,
  claimed,
}: Unit): ReplyOf<Operations['listUnits']>['items'][number] {
  return { id: serial, counter, device: device?.id ?? null, claimed: isoTime(claimed) };
}

function describeRecord(row: ProvisioningRow): ReplyOf<Operations['listProvisionings']>['items'][number] {
  const { id, at, serial, actor: by, record, signature, fingerprint } = row;
  return {
    ...{ id, at: isoTime(at), serialNumber: serial, by, record },
    ...{ signature: Buffer.from(signature).toString('base64'), certificate: fingerprint },
  };
}
