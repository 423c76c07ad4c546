import { commands, everyModule } from './commands.ts';
import { wholeNumber } from './data.ts';
import { T24Error } from './errors.ts';
import { dataTypes } from './layout.ts';
import type { Packet } from './packet.ts';

/** What may be asked of one module. Pausing is not among it. */
export type PowerAction = 'wake' | 'sleep' | 'stay-awake';

const numbers: Record<PowerAction, number> = {
  wake: commands.wake,
  sleep: commands.sleep,
  'stay-awake': commands.stayAwake,
};

/**
 * The packet that asks one module to wake, sleep or stay awake: a write without data to the command's number
 * (T24 Technical Manual; certainty B: nobody known has transmitted one). EXPERIMENTAL.
 *
 * @param to the module's id, 24 bits
 * @throws T24Error `field-range` if `to` is no id, or addresses every module
 */
export function powerPacket(action: PowerAction, to: number): Packet {
  wholeNumber('to', to, 0, 0xffffff);
  if (to === everyModule) {
    throw new T24Error('field-range', 'to is FFFFFF, every module in range; name one module');
  }
  return {
    kind: 'write',
    flags: 0,
    to,
    command: numbers[action],
    dataType: dataTypes.none,
    value: { type: 'none' },
  };
}
