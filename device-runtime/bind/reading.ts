import { packetFlags, statusBits } from '@loadline/sdk/t24';
import type { Reading } from '@loadline/sdk/telemetry';
import type { Heard } from './frame.ts';

/** The reading in a frame; undefined for a packet that is not a data provider. */
export function readingOf({ port, at, content }: Heard): Reading | undefined {
  const monotonic = Math.floor(at);
  switch (content.kind) {
    case 'packet': {
      const { base, packet } = content;
      if (packet.kind !== 'dataProvider') return undefined;
      const { tag, value, flags, status, rssi, cv } = packet;
      const quality = { kind: 'radio', rssi, cv } as const;
      return { kind: 'reading', port, base, tag, monotonic, value, flags, status, quality };
    }
    case 'line': {
      // A GW1 says in fields of its own what a frame says in bits; it has no base address.
      const { tag, value, lqi, batteryLow, integrityError } = content.line;
      return {
        kind: 'reading',
        port,
        base: 0,
        tag,
        monotonic,
        value: { type: 'float64', value },
        flags: batteryLow ? packetFlags.batteryLow : 0,
        status: integrityError ? statusBits.integrityError : 0,
        quality: { kind: 'lqi', percent: lqi },
      };
    }
  }
}
