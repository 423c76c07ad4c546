import { decodePacket, type Framed, Framer, frameOverheadBytes } from '../t24/index.ts';
import type { Decoded, Decoder, Measurement, OtherFrame } from './driver.ts';

/** A decoder of T24 frames (sdk/t24), as a base station sends them. */
export function frameDecoder(): Decoder {
  const framer = new Framer();
  return {
    get held() {
      return framer.held;
    },
    push: (chunk) => framer.push(chunk).map(decodedOf),
    stalled: () => framer.stalled().map(decodedOf),
  };
}

/** What the framer found, as a driver says it. */
export function decodedOf(framed: Framed): Decoded {
  switch (framed.kind) {
    case 'frame': {
      const bytes = framed.packet.length + frameOverheadBytes;
      return { kind: 'frame', bytes, content: contentOf(framed.base, framed.packet) };
    }
    case 'discarded':
      return { kind: 'discarded', bytes: framed.bytes.length, reason: framed.reason };
  }
}

function contentOf(base: number, bytes: Uint8Array): Measurement | OtherFrame {
  const packet = decodePacket(bytes);
  if (packet.kind !== 'dataProvider') return { kind: 'other', base, packet: bytes };
  const { tag, value, flags, status, rssi, cv } = packet;
  return { kind: 'measurement', base, tag, value, flags, status, quality: { kind: 'radio', rssi, cv } };
}
