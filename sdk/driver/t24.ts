import { encodeFrame } from '../t24/index.ts';
import type { Driver } from './driver.ts';
import { frameDecoder } from './frames.ts';
import { onlyOptions } from './options.ts';

/** A T24 base station on a serial line: binary frames, both ways. */
export const t24: Driver = {
  name: 't24',
  label: 'T24 base station (T24-BSi, BSue, BSd, BSa), binary',
  support: 'supported',
  transport: { kind: 'serial' },
  open(options) {
    onlyOptions('t24', options, []);
    return frameDecoder();
  },
  encode: encodeFrame,
};
