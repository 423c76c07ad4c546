import type { MetalChoice } from './choice.ts';
import { portOf } from './metal-site.ts';
import { leavePlugged } from './usb.ts';

/**
 * Leaves the hardware as a scenario found it, however the scenario ended.
 *
 * @throws MetalError `unplug` where an adapter that was unplugged does not come back
 */
export async function tidyMetal(choice: MetalChoice): Promise<void> {
  if (choice.kind === 'console' || choice.unplugging.by !== 'usb') return;
  await leavePlugged(portOf(choice), choice.unplugging.file);
}
