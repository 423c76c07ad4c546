import { packetTypes } from './layout.ts';

/**
 * Numbers of commands, executed by writing to them (T24 Technical Manual; certainty B: nobody known has
 * transmitted one). Transmission is experimental and off unless configured.
 */
export const commands = {
  wake: 50,
  reset: 54,
  save: 55,
  sleep: 56,
  pause: 57,
  stayAwake: 58,
  resume: 59,
} as const;

/**
 * Numbers of the parameters that the manual lists for modules in general (B). What a parameter means, and
 * whether it exists, depends on the type of module: profiles of modules add to these.
 */
export const parameters = {
  id: 3,
  name: 10,
  channel: 11,
  power: 12,
  /** 16 bytes; a secret: never read it into a log. */
  encryptionKey: 15,
  model: 51,
  version: 53,
  batteryLevel: 69,
  value: 72,
  status: 74,
} as const;

/** The ToID that addresses every module in range. */
export const everyModule = 0xffffff;

/**
 * Whether these bytes are a packet that pauses every module in range. The manual warns of it: neighbours'
 * modules stop too, and stay stopped. Encoders refuse it, as a packet and as a frame. A read is looked at as
 * well as a write, because nobody has seen what modules do when a command is read.
 */
export function isBroadcastPause(packet: Uint8Array): boolean {
  const type = (packet[0] ?? 0) & 0x1f;
  return (
    (type === packetTypes.write || type === packetTypes.read) &&
    packet[1] === 0xff &&
    packet[2] === 0xff &&
    packet[3] === 0xff &&
    packet[4] === commands.pause
  );
}
