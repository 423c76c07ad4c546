import {
  decodePacket,
  type Framed,
  Framer,
  frameOverheadBytes,
  type Gw1Framed,
  Gw1Framer,
} from '@loadline/sdk/t24';
import type { Heard } from '../bind/index.ts';

/** What the bytes of a port turn out to be; `bytes` counts them. */
export type Decoded =
  | { readonly kind: 'frame'; readonly bytes: number; readonly content: Heard['content'] }
  | { readonly kind: 'discarded'; readonly bytes: number; readonly reason: string };

/** Makes frames of a port's bytes, however they are split: one for each protocol a port can speak. */
export interface Decoder {
  /** Bytes that wait for the rest of their frame. */
  readonly held: number;
  push(chunk: Uint8Array): Decoded[];
  /** To be called when no byte has come for `stallMilliseconds`. */
  stalled(): Decoded[];
}

/** A decoder for what a port is configured to speak. */
export function decoderFor(protocol: 't24' | 'gw1'): Decoder {
  switch (protocol) {
    case 't24':
      return decoder(new Framer(), decodeFramed);
    case 'gw1':
      return decoder(new Gw1Framer(), decodeLine);
  }
}

interface AnyFramer<Out> {
  readonly held: number;
  push(chunk: Uint8Array): Out[];
  stalled(): Out[];
}

function decoder<Out>(framer: AnyFramer<Out>, decode: (out: Out) => Decoded): Decoder {
  return {
    get held() {
      return framer.held;
    },
    push: (chunk) => framer.push(chunk).map(decode),
    stalled: () => framer.stalled().map(decode),
  };
}

function decodeFramed(framed: Framed): Decoded {
  switch (framed.kind) {
    case 'frame': {
      const bytes = framed.packet.length + frameOverheadBytes;
      const packet = decodePacket(framed.packet);
      return { kind: 'frame', bytes, content: { kind: 'packet', base: framed.base, packet } };
    }
    case 'discarded':
      return { kind: 'discarded', bytes: framed.bytes.length, reason: framed.reason };
  }
}

function decodeLine(framed: Gw1Framed): Decoded {
  switch (framed.kind) {
    case 'line':
      return { kind: 'frame', bytes: framed.size, content: { kind: 'line', line: framed } };
    case 'discarded':
      return { kind: 'discarded', bytes: framed.bytes.length, reason: framed.reason };
  }
}
