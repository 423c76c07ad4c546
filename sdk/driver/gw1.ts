import { type Gw1Framed, Gw1Framer, packetFlags, statusBits } from '../t24/index.ts';
import type { Decoded, Driver } from './driver.ts';
import { onlyOptions } from './options.ts';

/** A T24-GW1 in ASCII mode: lines without base address, whose fields say what a frame says in bits. */
export const gw1: Driver = {
  name: 'gw1',
  label: 'T24-GW1, ASCII',
  support: 'by-manual',
  transport: { kind: 'serial' },
  open(options) {
    onlyOptions('gw1', options, []);
    const framer = new Gw1Framer();
    return {
      get held() {
        return framer.held;
      },
      push: (chunk) => framer.push(chunk).map(decodedOf),
      stalled: () => framer.stalled().map(decodedOf),
    };
  },
};

function decodedOf(framed: Gw1Framed): Decoded {
  switch (framed.kind) {
    case 'line':
      return {
        kind: 'frame',
        bytes: framed.size,
        content: {
          kind: 'measurement',
          base: 0,
          tag: framed.tag,
          value: { type: 'float64', value: framed.value },
          flags: framed.batteryLow ? packetFlags.batteryLow : 0,
          status: framed.integrityError ? statusBits.integrityError : 0,
          quality: { kind: 'lqi', percent: framed.lqi },
        },
      };
    case 'discarded':
      return { kind: 'discarded', bytes: framed.bytes.length, reason: framed.reason };
  }
}
