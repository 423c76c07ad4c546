import { limits } from '@loadline/sdk/contract';
import type { ConnectPacket } from 'aedes';

/** Makes a CONNECT what the contract knows, before the broker looks at it; or why the link is closed without a word. */
export function fitConnect(packet: ConnectPacket): Error | undefined {
  if (packet.will !== undefined) return new Error('wills are not part of the contract');
  // The broker takes MQTT 3.1 too, and answers CONNACK 1 to versions it does not know.
  if (packet.protocolVersion !== 4) Object.assign(packet, { protocolVersion: 0 });
  // Nothing is kept for a client that is away: what must wait for it waits in the database.
  packet.clean = true;
  // The broker would refuse a client that asks for none.
  if (packet.keepalive === 0) packet.keepalive = limits.mqttKeepaliveSeconds;
  return undefined;
}
