import { limits } from '@loadline/sdk/contract';
import type * as z from 'zod';
import { reportedOf } from '../reported.ts';
import type { driver, port } from './ports.ts';
import type { derived, sensor } from './sensors.ts';

/** What no key can be judged for alone: names that must exist, things that exclude each other. */

interface Parts {
  readonly ports: readonly z.output<typeof port>[];
  readonly drivers: readonly z.output<typeof driver>[];
  readonly sensors: readonly z.output<typeof sensor>[];
  readonly derived: readonly z.output<typeof derived>[];
}

/** Drivers that the gateway brings. */
const ownDrivers = ['t24', 'gw1', 'so', 'hid'] as const;

/** Bytes of a `reported` message that are left for the rest of it. */
const reportedRest = 4096;

type Complain = (path: readonly (string | number)[], message: string) => void;

/** Adds an issue for everything in a configuration that does not go together. */
export const goesTogether = (context: z.core.ParsePayload<Parts>): void => {
  const complain: Complain = (path, message) => {
    context.issues.push({ code: 'custom', input: context.value, path: [...path], message, continue: true });
  };
  checkPorts(context.value, complain);
  checkSensors(context.value, complain);
  checkDerived(context.value, complain);
  checkReported(context.value, complain);
};

function checkPorts({ ports, drivers }: Parts, complain: Complain): void {
  const own = new Set<string>(ownDrivers);
  drivers.forEach(({ name }, index) => {
    if (own.has(name)) complain(['drivers', index, 'name'], `must not be one of ${ownDrivers.join(', ')}`);
  });
  const known = new Set([...own, ...drivers.map(({ name }) => name)]);
  ports.forEach((port, index) => {
    const at = (key: string) => ['ports', index, key];
    if (!known.has(port.driver)) {
      complain(at('driver'), `must be one of ${[...known].join(', ')}, or be in [[drivers]]`);
    }
    if (port.transmit && port.driver !== 't24') complain(at('transmit'), 'needs the driver "t24"');
    const sameBefore = ports.slice(0, index).filter(({ path }) => path === port.path);
    if (sameBefore.length === 0) return;
    if (!port.path.includes('*')) {
      complain(
        at('path'),
        'must be different from every other path in this list, unless it is a pattern with *',
      );
    } else if ([port, ...sameBefore].some(isAlike)) {
      complain(at('path'), 'is the pattern of several ports: each needs base_addresses or expect_tags');
    }
  });
}

function isAlike({ base_addresses, expect_tags }: Parts['ports'][number]): boolean {
  return base_addresses === undefined && expect_tags === undefined;
}

function checkSensors({ sensors }: Parts, complain: Complain): void {
  sensors.forEach(({ overload, send }, index) => {
    const { low, high } = overload ?? {};
    if (overload && low === undefined && high === undefined) {
      complain(['sensors', index, 'overload'], 'needs low, high or both');
    }
    const inside = (high ?? Number.POSITIVE_INFINITY) - (low ?? Number.NEGATIVE_INFINITY);
    if (inside <= 0) complain(['sensors', index, 'overload', 'low'], 'must be below high');
    else if (inside <= 2 * (overload?.hysteresis ?? 0)) {
      complain(['sensors', index, 'overload', 'hysteresis'], 'leaves nothing inside the limits');
    }
    if (send.policy !== 'change') return;
    if ((send.min_seconds ?? 0) > (send.max_seconds ?? Number.POSITIVE_INFINITY)) {
      complain(['sensors', index, 'send', 'min_seconds'], 'must not be above max_seconds');
    }
  });
}

/** All of them travel in one `reported` message, with what becomes of a configuration beside them. */
function checkReported(parts: Parts, complain: Complain): void {
  const { sensors } = reportedOf(parts, { revision: null });
  const room = limits.messageBytes - reportedRest;
  const bytes = Buffer.byteLength(JSON.stringify(sensors));
  if (bytes <= room) return;
  complain(
    ['sensors'],
    `and derived series take ${bytes} bytes in one message to the cloud, and must fit in ${room}: fewer, or shorter names`,
  );
}

function checkDerived({ sensors, derived }: Parts, complain: Complain): void {
  const names = new Set(sensors.map(({ name }) => name));
  const tags = new Set(sensors.map(({ tag }) => tag));
  derived.forEach((one, index) => {
    if (names.has(one.name)) complain(['derived', index, 'name'], 'must be different from every sensor');
    if (tags.has(one.tag)) complain(['derived', index, 'tag'], 'must be different from every sensor');
    for (const source of [one.of].flat()) {
      if (names.has(source)) continue;
      complain(['derived', index, 'of'], `names "${source}", which is no sensor and not derived further up`);
    }
    names.add(one.name);
  });
}
