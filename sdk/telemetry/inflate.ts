import { zstdDecompressSync } from 'node:zlib';
import { ZSTDDecoder } from 'zstddec';
import { limits } from '../contract/index.ts';
import { malformed, TelemetryError } from './errors.ts';
import { zstdMagic } from './wire.ts';

const decoder = new ZSTDDecoder();
await decoder.init();

/**
 * A batch as it was before compression: a zstd frame inflated, anything else as it is.
 *
 * The reference decoder compiled to WebAssembly: Node's own makes a context for every frame, 20 µs against 3 for the few
 * hundred bytes of a batch. It says nothing but that a frame is none or too long, by no bytes; Node's then says why.
 * @throws {TelemetryError} `batch-malformed`, or `batch-too-large` past limits.batchInflatedBytes.
 */
export function inflate(bytes: Uint8Array): Uint8Array {
  for (let index = 0; index < zstdMagic.length; index++) {
    if (bytes[index] !== zstdMagic[index]) return bytes;
  }
  const inflated = decoder.decode(bytes, limits.batchInflatedBytes);
  if (inflated.length > 0) return inflated;
  try {
    return zstdDecompressSync(bytes, { maxOutputLength: limits.batchInflatedBytes });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new TelemetryError('batch-too-large', `inflates beyond ${limits.batchInflatedBytes} bytes`);
    }
    throw malformed('not a zstd frame', error);
  }
}
