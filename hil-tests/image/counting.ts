import type { VirtualTransmitter } from '../rig/index.ts';

/** A simulated transmitter whose value is how often it has broadcast: whoever has its readings knows which came, and how often. */
export function countingTransmitter(tag: number, intervalMs: number): VirtualTransmitter {
  let count = 0;
  return {
    label: `simulated counter ${tag.toString(16).toUpperCase()}`,
    tags: [tag],
    intervalMs,
    broadcast: () => {
      const value = count;
      count += 1;
      const heard = { rssi: 0xfb, cv: 0xe8 };
      return [
        {
          kind: 'dataProvider',
          flags: 0x20,
          tag,
          status: 0,
          dataType: 3,
          value: { type: 'int32', value },
          ...heard,
        },
      ];
    },
    setBattery: () => {},
    setStatus: () => {},
  };
}
