import { limits } from '../contract/index.ts';
import { TelemetryError } from './errors.ts';
import { readMap } from './json-map.ts';
import type { NamedReading } from './named-reading.ts';
import { readReadingsLine } from './readings-line.ts';
import { resolvePack } from './senml.ts';
import { recordsOfCbor } from './senml-cbor.ts';
import { recordsOfJson } from './senml-json.ts';

/** The forms in which a device may deliver readings by name. */
export const readingsForms = ['json', 'line', 'senml', 'senml-cbor'] as const;
export type ReadingsForm = (typeof readingsForms)[number];

/** Reads a body of readings by name, in its order; throws TelemetryError where it is not of that form. */
export function readNamed(form: ReadingsForm, body: Uint8Array): NamedReading[] {
  const readings = read(form, body);
  if (readings.length > limits.batchEntries) {
    throw new TelemetryError(
      'readings-limit',
      `${readings.length} readings, at most ${limits.batchEntries} in one delivery`,
    );
  }
  return readings;
}

function read(form: ReadingsForm, body: Uint8Array): NamedReading[] {
  switch (form) {
    case 'json':
      return readMap(body);
    case 'senml':
      return resolvePack(recordsOfJson(body));
    case 'senml-cbor':
      return resolvePack(recordsOfCbor(body));
    case 'line':
      return readReadingsLine(body);
  }
}
