import { packetFlags, statusBits } from '@loadline/sdk/t24';
import type { Reading } from '@loadline/sdk/telemetry';

/** What can be wrong with a reading, as bits. A reading with any of them passes as heard, and enters no figure. */
export const defects = { errorFlag: 1, integrityError: 2, shuntCalibration: 4, notFinite: 8 } as const;

/** Those that mean that something is broken. Shunt calibration is somebody's deliberate act. */
export const faults = defects.errorFlag | defects.integrityError | defects.notFinite;

/** The number a reading stands for, in the unit of its sensor; NaN where it is none (text, bytes, no finite float). */
export function physicalOf({ value, calibration }: Reading): number {
  switch (value.type) {
    case 'uint8':
    case 'uint16':
    case 'int32':
    case 'float32':
    case 'float64':
      return calibration === undefined ? value.value : value.value * calibration.gain + calibration.offset;
    case 'none':
    case 'nonFinite':
    case 'string':
    case 'binary':
      return Number.NaN;
  }
}

/** The defects of a reading; `physical` is what `physicalOf` gave for it. */
export function defectsOf({ value, flags, status }: Reading, physical: number): number {
  let found = 0;
  if ((flags & packetFlags.error) !== 0) found |= defects.errorFlag;
  if ((status & statusBits.integrityError) !== 0) found |= defects.integrityError;
  if ((status & statusBits.shuntCalibration) !== 0) found |= defects.shuntCalibration;
  switch (value.type) {
    case 'none':
    case 'string':
    case 'binary':
      return found;
    default:
      return Number.isFinite(physical) ? found : found | defects.notFinite;
  }
}
