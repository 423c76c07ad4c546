import { type Reach, reachesDevice, reachesTag, type Standing } from '../access/index.ts';
import { type Refusal, refused } from '../people/index.ts';
import type { Directory } from '../router/index.ts';

/** What a token, an application or a key is restricted to; null for no such limit. Tags are four hex digits. */
export interface Restriction {
  readonly devices: readonly string[] | null;
  readonly tags: readonly string[] | null;
}

/** The number of a tag that is written as four hex digits. */
function tagNumber(tag: string): number {
  return Number.parseInt(tag, 16);
}

export function tagNumbers(tags: readonly string[] | null): number[] | null {
  return tags === null ? null : tags.map(tagNumber);
}

/**
 * Refuses devices and tags that are not within the giver's reach. A device that there is not is refused alike: it is
 * not told which of others' ids are taken.
 */
export function notAllReached(
  { organisation, reach }: Standing,
  { devices, tags }: Restriction,
  directory: Directory,
): Refusal | undefined {
  const outside = devices?.find((id) => !reachesThat(id, organisation.id, reach, directory));
  if (outside !== undefined) {
    return refused('more-than-own', `body/devices: ${outside} is not among the devices that you reach`);
  }
  const strange = tags?.find((tag) => !reachesTag(reach, tagNumber(tag)));
  if (strange !== undefined) {
    return refused('more-than-own', `body/tags: ${strange} is not among the tags that you reach`);
  }
  return undefined;
}

/**
 * Refuses what is to last without its maker, and so is not cut to what he reaches, where it would reach further than
 * he does: who acts for a part must name its devices, or its tags.
 */
export function reachesFurther(
  standing: Standing,
  restriction: Restriction,
  directory: Directory,
): Refusal | undefined {
  const { departments, customer, devices, tags } = standing.reach;
  if (restriction.devices === null && (departments !== 'all' || customer !== null || devices !== null)) {
    return refused('more-than-own', 'body/devices: name devices, since you do not reach all of them');
  }
  if (restriction.tags === null && tags !== null) {
    return refused('more-than-own', 'body/tags: name tags, since you do not reach all of them');
  }
  return notAllReached(standing, restriction, directory);
}

/** Whether all that something is restricted to lies within a reach. */
export function isReached(
  { organisation, reach }: Standing,
  devices: readonly string[] | null,
  directory: Directory,
): boolean {
  if (devices === null)
    return reach.departments === 'all' && reach.customer === null && reach.devices === null;
  return devices.every((id) => reachesThat(id, organisation.id, reach, directory));
}

function reachesThat(id: string, organisation: string, reach: Reach, directory: Directory): boolean {
  const device = directory.device(id);
  return device !== undefined && device.organisation.id === organisation && reachesDevice(reach, device);
}

/** A list as it is stored. */
export function json(list: readonly string[] | null): string | null {
  return list === null ? null : JSON.stringify(list);
}

/** A time as the audit log says it. */
export function iso(ms: number): string {
  return new Date(ms).toISOString();
}
