import type { Driver } from './driver.ts';
import { gw1 } from './gw1.ts';
import { hid } from './hid.ts';
import { so } from './so.ts';
import { t24 } from './t24.ts';

/** The drivers that Loadline brings. */
export const drivers: readonly Driver[] = [t24, gw1, so, hid];

/**
 * The driver of this name, of Loadline's own and of `more`.
 *
 * @throws Error naming those there are
 */
export function driverNamed(name: string, more: readonly Driver[] = []): Driver {
  const known = [...drivers, ...more];
  const found = known.find((driver) => driver.name === name);
  if (found !== undefined) return found;
  throw new Error(
    `there is no driver "${name}": there are ${known.map((driver) => `"${driver.name}"`).join(', ')}`,
  );
}
