import { decodeData } from './data.ts';
import { dataSizeFits, dataTypes, maxPacketBytes, packetSizeFits, packetTypes } from './layout.ts';
import type { MalformedReason, Packet, TypedData } from './packet.ts';

/**
 * Takes one packet apart (layouts in README.md). Never throws: what does not fit its type is `malformed`, what
 * has no known type is `unknown`, and both keep their bytes. Keeps no reference to `bytes`.
 */
export function decodePacket(bytes: Uint8Array): Packet {
  const size = bytes.length;
  const at = (index: number): number => bytes[index] as number;
  const malformed = (reason: MalformedReason): Packet => ({
    kind: 'malformed',
    packet: bytes.slice(),
    reason,
  });
  if (size === 0) return malformed('empty');
  const first = at(0);
  if (size > maxPacketBytes || !packetSizeFits(first, size)) return malformed('length');
  const flags = first & 0xe0;
  const type = first & 0x1f;
  switch (type) {
    case packetTypes.dataProvider: {
      const data = typedData(bytes, 4, size - 2);
      if (typeof data === 'string') return malformed(data);
      return {
        kind: 'dataProvider',
        flags,
        tag: (at(1) << 8) | at(2),
        status: at(3),
        ...data,
        rssi: at(size - 2),
        cv: at(size - 1),
      };
    }
    case packetTypes.read:
      return { kind: 'read', flags, to: id(bytes, 1), command: at(4) };
    case packetTypes.write: {
      const data = typedData(bytes, 5, size);
      if (typeof data === 'string') return malformed(data);
      return { kind: 'write', flags, to: id(bytes, 1), command: at(4), ...data };
    }
    case packetTypes.ack: {
      const from = id(bytes, 1);
      const heard = { rssi: at(size - 2), cv: at(size - 1) };
      if (size === 6) return { kind: 'ack', flags, from, ...heard };
      const data = typedData(bytes, 4, size - 2);
      return typeof data === 'string' ? malformed(data) : { kind: 'ack', flags, from, data, ...heard };
    }
    case packetTypes.nak:
      return { kind: 'nak', flags, from: id(bytes, 1), rssi: at(4), cv: at(5) };
    case packetTypes.timeout:
      return { kind: 'timeout', flags, from: id(bytes, 1), rssi: at(4), cv: at(5) };
    case packetTypes.dataInvalid:
      return { kind: 'dataInvalid', flags, from: id(bytes, 1), rssi: at(4), cv: at(5) };
    case packetTypes.pairRequest: {
      const request = { flags, tag: (at(1) << 8) | at(2), direction: at(3), config: at(4) };
      return size === 6
        ? { kind: 'pairRequest', ...request, duration: at(5) }
        : { kind: 'pairRequest', ...request };
    }
    case packetTypes.pairResponse:
      return {
        kind: 'pairResponse',
        flags,
        from: id(bytes, 1),
        tag: (at(4) << 8) | at(5),
        rssi: at(6),
        cv: at(7),
      };
    default:
      return { kind: 'unknown', flags, type, bytes: bytes.slice(1) };
  }
}

/** The data type byte at `start` and the data behind it up to `end`, or what is wrong with them. */
function typedData(bytes: Uint8Array, start: number, end: number): TypedData | MalformedReason {
  const dataType = bytes[start] as number;
  if ((dataType & 0x07) > dataTypes.binary) return 'dataType';
  if (!dataSizeFits(dataType, end - start - 1)) return 'length';
  return decodeData(dataType, bytes.subarray(start + 1, end));
}

function id(bytes: Uint8Array, start: number): number {
  return (
    ((bytes[start] as number) << 16) | ((bytes[start + 1] as number) << 8) | (bytes[start + 2] as number)
  );
}
