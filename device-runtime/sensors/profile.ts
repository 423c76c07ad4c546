import { packetFlags, statusBits } from '@loadline/sdk/t24';
import type { Reading } from '@loadline/sdk/telemetry';
import type { SensorConfig } from '../config/index.ts';
import { defects } from './judge.ts';

type Profile = SensorConfig['profile'];

/** Status bits that mean something on an acquisition module only; on others they may be set all the time. */
const acquisitionOnly = [
  [statusBits.powerUp, 'power-up'],
  [statusBits.batteryLow, 'battery low'],
  [statusBits.digitalInput, 'digital input'],
  [statusBits.digitalOutput, 'digital output'],
] as const;

/** Whether a reading says that the battery of its transmitter is low: by its flag, or by a status bit. */
export function batteryIsLow({ flags, status }: Reading, profile: Profile): boolean {
  if ((flags & packetFlags.batteryLow) !== 0) return true;
  return profile === 'acquisition' && (status & statusBits.batteryLow) !== 0;
}

/** Whether a module says that it has just been switched on. */
export function isPowerUp({ status }: Reading, profile: Profile): boolean {
  return profile === 'acquisition' && (status & statusBits.powerUp) !== 0;
}

/** What a reading reports of itself, in words: its defects, and what its status bits mean on such a module. */
export function reportOf({ flags, status }: Reading, found: number, profile: Profile): string {
  const words: string[] = [];
  if ((found & defects.errorFlag) !== 0) words.push('error');
  if ((found & defects.integrityError) !== 0) words.push('integrity error');
  if ((found & defects.shuntCalibration) !== 0) words.push('shunt calibration');
  if ((found & defects.notFinite) !== 0) words.push('no number');
  if (profile === 'acquisition') {
    for (const [bit, word] of acquisitionOnly) if ((status & bit) !== 0) words.push(word);
  }
  return `${words.join(', ')} (flags 0x${hex(flags)}, status 0x${hex(status)})`;
}

function hex(byte: number): string {
  return byte.toString(16).toUpperCase().padStart(2, '0');
}
