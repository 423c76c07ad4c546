import { limits } from '../contract/index.ts';
import { frameVersion } from './frame.ts';
import { decodeMessage, encodeMessage } from './message.ts';

/** Bytes of an instance, and of a nonce. */
export const instanceBytes = 8;

/** Versions of the link that this end speaks, of what follows the hellos. */
export const versions: readonly number[] = [frameVersion];

/** What a hello and a welcome say. */
export interface Hello {
  /** Versions of the link that its sender speaks. */
  readonly versions: readonly number[];
  /** Random, drawn when its sender began: another one is another process, or another link of one. */
  readonly instance: Uint8Array;
  /** Of a hello: random, to be sent back in the welcome. Of a welcome: that of the hello it answers. */
  readonly nonce: Uint8Array;
  /** What its sender can do, by name. */
  readonly capabilities: readonly string[];
}

const capabilityPattern = /^[a-z0-9][a-z0-9./-]*$/;

/** Whether it can be the name of a capability, such as `provisioning/1`. */
export function isCapability(name: unknown): name is string {
  return (
    typeof name === 'string' && name.length <= limits.linkCapabilityLength && capabilityPattern.test(name)
  );
}

export function encodeHello({ versions, instance, nonce, capabilities }: Hello): Uint8Array {
  return encodeMessage([versions, instance, nonce, capabilities]);
}

/** What was said; undefined where it is no hello. Elements of later versions after the fourth are left out. */
export function decodeHello(body: Uint8Array): Hello | undefined {
  let said: unknown;
  try {
    said = decodeMessage(body);
  } catch {
    return undefined;
  }
  if (!Array.isArray(said)) return undefined;
  const [versions, instance, nonce, capabilities] = said as unknown[];
  if (!isListOf(versions, limits.linkCapabilities, (one) => Number.isSafeInteger(one))) return undefined;
  if (!isListOf(capabilities, limits.linkCapabilities, isCapability)) return undefined;
  if (!isRandom(instance) || !isRandom(nonce)) return undefined;
  return { versions: versions as number[], instance, nonce, capabilities: capabilities as string[] };
}

function isListOf(value: unknown, most: number, is: (one: unknown) => boolean): boolean {
  return Array.isArray(value) && value.length <= most && value.every(is);
}

function isRandom(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array && value.length === instanceBytes;
}

/** Whether two instances, or nonces, are one. */
export function isSame(one: Uint8Array, other: Uint8Array | undefined): boolean {
  return other !== undefined && one.length === other.length && one.every((byte, at) => byte === other[at]);
}
