import { encodePacket, frameOverheadBytes } from '@loadline/sdk/t24';
import { SeededRandom } from '../rig/random.ts';

const seed = 24;
/** Noise before each frame, bytes, evenly spread 0..this: on average as much noise as frames. */
const longestNoise = 32;

/** A byte at a time (a slow line), a USB report, a backlog. */
export const chunkSizes = [1, 64, 4096] as const;

/** The bytes of a line, and what a framer must make of them. */
export interface Line {
  readonly name: string;
  readonly dataSet: string;
  readonly bytes: Uint8Array;
  readonly frames: number;
  readonly frameBytes: number;
  /** What is in the frames, in their order. */
  readonly packets: readonly Uint8Array[];
}

/**
 * Data provider packets of a float32 with random values, each in a frame, on a clean line or with random bytes before each.
 * For one count the packets and the noise are the same, whatever frame `wrap` puts around a packet.
 */
export function makeLine(
  kind: 'clean' | 'noise',
  frameCount: number,
  wrap: (packet: Uint8Array) => Uint8Array,
): Line {
  const random = new SeededRandom(seed);
  const octet = () => random.integer(0, 0xff);
  const packets: Uint8Array[] = [];
  const bytes: number[] = [];
  let frameBytes = 0;
  for (let turn = 0; turn < frameCount; turn++) {
    const packet = encodePacket({
      kind: 'dataProvider',
      flags: 0x20,
      tag: 0x25df + (turn % 4),
      status: 0,
      dataType: 4,
      value: { type: 'float32', value: random.integer(-1_000_000, 1_000_000) / 1000 },
      rssi: octet(),
      cv: octet(),
    });
    const noise = random.bytes(random.integer(0, longestNoise));
    if (kind === 'noise') bytes.push(...noise);
    const frame = wrap(packet);
    bytes.push(...frame);
    frameBytes += frame.length;
    packets.push(packet);
  }
  const length = (packets[0]?.length ?? 0) + frameOverheadBytes;
  const frames = `${frameCount} float32 data provider frames of ${length} bytes, random values`;
  return {
    name: kind,
    dataSet: kind === 'clean' ? frames : `${frames}, 0..${longestNoise} random bytes before each`,
    bytes: Uint8Array.from(bytes),
    frames: frameCount,
    frameBytes,
    packets,
  };
}
