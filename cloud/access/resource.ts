import type { Organisation, Reach } from './principal.ts';

/** A device, as far as it is decided by. */
export interface DevicePlace {
  readonly id: string;
  readonly department: string | null;
  readonly customer: string | null;
}

/** What somebody is in an organisation, as far as it is decided by who may see and change it. */
export interface MemberPlace {
  readonly reach: 'organisation' | 'departments' | 'customer';
  readonly departments: readonly string[];
  readonly customer: string | null;
}

/** What is asked for. */
export type Resource =
  | { readonly of: 'fleet' }
  /** Of an organisation as a whole; a list of it is then cut to what the asker reaches. */
  | { readonly of: 'organisation'; readonly organisation: Organisation }
  | {
      readonly of: 'device';
      readonly organisation: Organisation;
      readonly device: DevicePlace;
      /** The tag, where it is about one series. */
      readonly tag?: number;
    }
  | { readonly of: 'member'; readonly organisation: Organisation; readonly member: MemberPlace }
  | { readonly of: 'customer'; readonly organisation: Organisation; readonly customer: string };

/** Whether a device lies within a reach. */
export function reachesDevice(reach: Reach, device: DevicePlace): boolean {
  if (reach.devices !== null && !reach.devices.has(device.id)) return false;
  if (reach.customer !== null) return device.customer === reach.customer;
  if (reach.departments === 'all') return true;
  if (device.department === null) return reach.departments.unassigned;
  return reach.departments.ids.has(device.department);
}

/** Whether the series of a tag lie within a reach. */
export function reachesTag(reach: Reach, tag: number): boolean {
  return reach.tags === null || reach.tags.has(tag);
}

/**
 * Whether a person lies within a reach: everybody for who acts for the whole organisation; otherwise those whose own
 * reach is no wider, of the same customer or of departments among one's own.
 */
export function reachesMember(reach: Reach, member: MemberPlace): boolean {
  if (reach.devices !== null || reach.tags !== null) return false;
  if (reach.customer !== null) return member.reach === 'customer' && member.customer === reach.customer;
  if (reach.departments === 'all') return true;
  const { ids } = reach.departments;
  return (
    member.reach === 'departments' &&
    member.departments.length > 0 &&
    member.departments.every((one) => ids.has(one))
  );
}

/** Whether a customer lies within a reach. */
export function reachesCustomer(reach: Reach, customer: string): boolean {
  return reach.customer === null || reach.customer === customer;
}
