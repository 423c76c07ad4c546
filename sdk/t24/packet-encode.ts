import { isBroadcastPause } from './commands.ts';
import { encodeData, wholeNumber } from './data.ts';
import { T24Error } from './errors.ts';
import { maxPacketBytes, packetTypes } from './layout.ts';
import type { Packet, TypedData } from './packet.ts';

/**
 * The bytes of a packet: the exact inverse of `decodePacket`.
 *
 * @throws T24Error `field-range`, `value-type`, `packet-length`, `broadcast-pause`
 */
export function encodePacket(packet: Packet): Uint8Array {
  const bytes = layOut(packet);
  if (isBroadcastPause(bytes)) {
    throw new T24Error('broadcast-pause', 'pausing every module in range is refused; name one module');
  }
  return bytes;
}

function layOut(packet: Packet): Uint8Array {
  switch (packet.kind) {
    case 'dataProvider':
      return join([
        firstByte(packet.flags, packetTypes.dataProvider),
        ...unsigned16('tag', packet.tag),
        octet('status', packet.status),
        ...typedData(packet),
        ...heard(packet),
      ]);
    case 'read':
      return join([
        firstByte(packet.flags, packetTypes.read),
        ...id('to', packet.to),
        octet('command', packet.command),
      ]);
    case 'write':
      return join([
        firstByte(packet.flags, packetTypes.write),
        ...id('to', packet.to),
        octet('command', packet.command),
        ...typedData(packet),
      ]);
    case 'ack':
      return join([
        firstByte(packet.flags, packetTypes.ack),
        ...id('from', packet.from),
        ...(packet.data === undefined ? [] : typedData(packet.data)),
        ...heard(packet),
      ]);
    case 'nak':
    case 'timeout':
    case 'dataInvalid':
      return join([
        firstByte(packet.flags, packetTypes[packet.kind]),
        ...id('from', packet.from),
        ...heard(packet),
      ]);
    case 'pairRequest':
      return join([
        firstByte(packet.flags, packetTypes.pairRequest),
        ...unsigned16('tag', packet.tag),
        octet('direction', packet.direction),
        octet('config', packet.config),
        ...(packet.duration === undefined ? [] : [octet('duration', packet.duration)]),
      ]);
    case 'pairResponse':
      return join([
        firstByte(packet.flags, packetTypes.pairResponse),
        ...id('from', packet.from),
        ...unsigned16('tag', packet.tag),
        ...heard(packet),
      ]);
    case 'unknown':
      return join([firstByte(packet.flags, unknownType(packet.type)), ...packet.bytes]);
    case 'malformed':
      return packet.packet.slice();
  }
}

const knownTypes: readonly number[] = Object.values(packetTypes);

function unknownType(type: number): number {
  if (knownTypes.includes(type)) {
    throw new T24Error('field-range', `type ${type} is a known one; encode it as what it is`);
  }
  return type;
}

function join(bytes: readonly number[]): Uint8Array {
  if (bytes.length > maxPacketBytes) {
    throw new T24Error('packet-length', `a packet has at most ${maxPacketBytes} bytes, not ${bytes.length}`);
  }
  return Uint8Array.from(bytes);
}

function firstByte(flags: number, type: number): number {
  if ((octet('flags', flags) & 0x1f) !== 0) {
    throw new T24Error('field-range', `flags are bits 7..5; 0x${flags.toString(16)} has others set`);
  }
  return flags | wholeNumber('type', type, 0, 0x1f);
}

function octet(name: string, number: number): number {
  return wholeNumber(name, number, 0, 0xff);
}

function unsigned16(name: string, number: number): [number, number] {
  wholeNumber(name, number, 0, 0xffff);
  return [number >>> 8, number & 0xff];
}

function id(name: string, number: number): [number, number, number] {
  wholeNumber(name, number, 0, 0xffffff);
  return [number >>> 16, (number >>> 8) & 0xff, number & 0xff];
}

function heard(packet: { readonly rssi: number; readonly cv: number }): [number, number] {
  return [octet('rssi', packet.rssi), octet('cv', packet.cv)];
}

function typedData(data: TypedData): number[] {
  return [octet('dataType', data.dataType), ...encodeData(data)];
}
