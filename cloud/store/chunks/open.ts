import type { Connection } from '../database.ts';
import { decodePlot, decodeRest } from './codec.ts';
import { ChunkError } from './error.ts';
import type { Plot, Readings } from './readings.ts';
import { chunkLookups } from './statements.ts';

/** The ways chunks are looked up and opened. */
export function chunkReads(connection: Connection) {
  const lookups = chunkLookups(connection);

  function plot(chunk: number): Plot {
    const body = lookups.plot.first({ chunk })?.plot;
    if (body === undefined) throw new ChunkError(`chunk ${chunk} has none`);
    return decodePlot(body);
  }

  function whole(chunk: number, of: Plot = plot(chunk)): Readings {
    const body = lookups.rest.first({ chunk })?.rest;
    if (body === undefined) throw new ChunkError(`chunk ${chunk} has none`);
    return decodeRest(body, of);
  }

  const { between, placed, open, ofEpoch, after } = lookups;
  return {
    between,
    placed,
    open,
    ofEpoch,
    after,
    /** Times and values of a chunk. */
    plot,
    /** All of a chunk's readings; `of` where its times and values are at hand. */
    whole,
  };
}
