import type { ByteSink } from './byte-sink.ts';
import { inRange } from './errors.ts';
import { SeededRandom } from './random.ts';
import { type LineOptions, SerialLine } from './serial-line.ts';

/**
 * How a recording is cut into writes. The kernel may join what is not read at once; what arrives in which
 * pieces at the host is its own matter.
 */
export type Chunks =
  | { readonly kind: 'whole' }
  | { readonly kind: 'single-bytes' }
  /** 1..`mostBytes` (default 64) at a time; the same for the same seed. */
  | { readonly kind: 'random'; readonly seed: number; readonly mostBytes?: number };

/** Options of `playRecording`. */
export interface PlayOptions extends LineOptions {
  /** Default: in as large pieces as the line's pace allows. */
  readonly chunks?: Chunks;
  /** Ends the playing after the piece that is on its way. Default: plays to the end. */
  readonly signal?: AbortSignal;
}

/** What has been played. */
export interface Played {
  readonly bytes: number;
  readonly ended: 'complete' | 'aborted';
}

/** Pieces that `whole` is played in on a line with a pace, so that aborting it does not wait for all of it. */
const PACED_PIECE_BYTES = 256;

/** Plays recorded bytes into a port, with the line's pace. Rejects as the sink does (RigError `unplugged`). */
export async function playRecording(
  bytes: Uint8Array,
  sink: ByteSink,
  options: PlayOptions = {},
): Promise<Played> {
  const { chunks = { kind: 'whole' }, signal } = options;
  const line = new SerialLine(sink, options);
  const nextSize = sizes(
    chunks,
    options.speed?.kind === 'as-fast-as-it-goes' ? bytes.length : PACED_PIECE_BYTES,
  );
  let position = 0;
  while (position < bytes.length) {
    if (signal?.aborted) return { bytes: position, ended: 'aborted' };
    const piece = bytes.subarray(position, position + nextSize());
    await line.write(piece);
    position += piece.length;
  }
  return { bytes: position, ended: 'complete' };
}

function sizes(chunks: Chunks, whole: number): () => number {
  switch (chunks.kind) {
    case 'whole':
      return () => whole;
    case 'single-bytes':
      return () => 1;
    case 'random': {
      const random = new SeededRandom(chunks.seed);
      const most = inRange('mostBytes', chunks.mostBytes ?? 64, 1, 65_536);
      return () => random.integer(1, most);
    }
  }
}
