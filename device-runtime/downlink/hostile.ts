import { limits } from '@loadline/sdk/contract';

/** Tables within tables of a message: more than any configuration has, few enough for every recursion. */
const maxDepth = 32;

/** What a payload says, or why it is no message at all. */
export type Read =
  | { readonly ok: true; readonly message: unknown }
  | { readonly ok: false; readonly fault: string };

/** Reads JSON that anybody may have sent: bounded before anything is made of it, and never throwing. */
export function readJson(payload: Uint8Array): Read {
  if (payload.byteLength > limits.messageBytes) {
    return {
      ok: false,
      fault: `it has ${payload.byteLength} bytes, and ${limits.messageBytes} are allowed`,
    };
  }
  try {
    const message: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
    if (isDeeper(message, maxDepth)) return { ok: false, fault: `it is nested more than ${maxDepth} deep` };
    return { ok: true, message };
  } catch {
    return { ok: false, fault: 'it is not JSON in UTF-8' };
  }
}

function isDeeper(value: unknown, left: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return left === 0 || Object.values(value).some((inner) => isDeeper(inner, left - 1));
}

/** At most `bytes` of UTF-8, cut between characters. */
export function clip(text: string, bytes: number): string {
  const encoded = Buffer.from(text.toWellFormed());
  if (encoded.length <= bytes) return text.toWellFormed();
  let end = bytes;
  while (end > 0 && ((encoded[end] ?? 0) & 0xc0) === 0x80) end--;
  return encoded.toString('utf8', 0, end);
}

/** Lets a burst through and then a trickle: what a stranger causes must not fill log and journal. */
export class Trickle {
  #left = 20;
  #at: number | undefined;
  #held = 0;

  /** Whether to say it; how many were not said since the last that was. */
  pass(monotonic: number): { readonly held: number } | undefined {
    const every = 10_000;
    this.#at ??= monotonic;
    const refill = Math.floor((monotonic - this.#at) / every);
    this.#at += refill * every;
    this.#left = Math.min(20, this.#left + refill);
    if (this.#left === 0) {
      this.#held++;
      return undefined;
    }
    this.#left--;
    const held = this.#held;
    this.#held = 0;
    return { held };
  }
}
