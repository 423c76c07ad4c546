import type { Reply } from '@loadline/sdk/provisioning';
import type { Order } from './order.ts';
import { ProvisionFailure } from './outcome.ts';

/**
 * What is done with a gateway, in this order. `hear` finds the ports of its sensors, `certificate` asks the cloud for the
 * device and its certificate, `record` has what was done signed, and `keep` gives that to the cloud.
 */
export const steps = {
  own: 'shows it a voucher: who may own it',
  compare: 'compares what is in force with what is ordered',
  hear: 'listens for its sensors',
  key: 'has it make its key, and prove that it has it',
  certificate: 'has the cloud certify that key',
  write: 'writes the site',
  read: 'reads back what was written',
  commit: 'puts it in force',
  trial: 'waits until a reading of it is acknowledged',
  record: 'has the record signed by its key',
  keep: 'gives the record to the cloud',
  close: 'ends the mode on the gateway',
} as const;

export type Step = keyof typeof steps;

/** How the cloud is reached: now, or by what was carried here. */
export type Way = 'online' | 'kit';

export interface Standing {
  readonly description: Pick<
    Reply<'describe'>,
    'gateway' | 'serialNumber' | 'state' | 'undelivered' | 'inForce'
  >;
  readonly order: Pick<Order, 'gatewayId' | 'serialNumber' | 'discardUndelivered' | 'ports'>;
  /** Of the login, token or kit. */
  readonly organisation: string;
  readonly way: Way;
  /** Whether a gateway that already is what it is to become is written anew. */
  readonly rewrite: boolean;
  /** What was said: a whole site, or only which gateway it is to be, so that the site in force stays. */
  readonly asked: Asked;
}

export type Asked = 'site' | 'id';

/** What has to be done, in order. */
export interface Plan {
  /**
   * `new`: it is nobody's; `again`: it is this already, and is written anew; `resume`: it is this already, and what an
   * attempt before left is done; `move`: it is another's until now.
   */
  readonly kind: 'new' | 'again' | 'resume' | 'move';
  readonly steps: readonly Step[];
}

/**
 * Which steps a gateway needs, from what it says of itself. Every step may be done again, so whatever an attempt before
 * left behind is taken up: the same key, the same device.
 *
 * @throws ProvisionFailure where it must be left alone
 */
export function planOf(standing: Standing): Plan {
  const { description, order, organisation, way, rewrite } = standing;
  const { gateway, serialNumber, state } = description;
  if (order.serialNumber !== undefined && order.serialNumber !== serialNumber) {
    throw new ProvisionFailure(
      'failed',
      `this board is ${serialNumber}, and the site is for ${order.serialNumber}`,
      'connect the other board, or correct serial_number in the site file',
    );
  }
  const isIt = gateway?.id === order.gatewayId && gateway.organisation === organisation;
  if (isIt && description.inForce !== null && !rewrite) {
    // It may have enrolled meanwhile: whether it delivers, nobody has asked who has no cloud. Its voucher was used, so
    // what is in force is not shown to it: the digest of that is.
    if (way === 'kit') return { kind: 'resume', steps: ['compare', 'record', 'close'] };
    if (state === 'provisioned') {
      const compared: Step[] = standing.asked === 'site' ? ['own', 'compare'] : [];
      return { kind: 'resume', steps: [...compared, 'trial', 'record', 'keep', 'close'] };
    }
  }
  if (!isIt) checkUndelivered(standing);
  return { kind: kindOf(standing, isIt), steps: stepsOf(standing) };
}

function kindOf({ description: { state, gateway }, organisation }: Standing, isIt: boolean): Plan['kind'] {
  if (state === 'unprovisioned') return 'new';
  if (isIt) return 'again';
  return gateway?.organisation === organisation ? 'new' : 'move';
}

function stepsOf({ order, way }: Standing): Step[] {
  const hear: Step[] = order.ports === undefined ? ['hear'] : [];
  const written: Step[] = ['write', 'read', 'commit'];
  if (way === 'kit') return ['own', ...hear, 'key', ...written, 'record', 'close'];
  return ['own', ...hear, 'key', 'certificate', ...written, 'trial', 'record', 'keep', 'close'];
}

function checkUndelivered({ description, order }: Standing): void {
  const { gateway, undelivered } = description;
  if (undelivered === 0 || order.discardUndelivered || gateway === null) return;
  throw new ProvisionFailure(
    'failed',
    `it still holds ${undelivered} readings of ${gateway.id} of ${gateway.organisation}, which would be lost`,
    'connect it to its network until they are delivered, or say discard_undelivered = true (--discard-undelivered)',
  );
}
