import { label, malformedReadings } from './errors.ts';
import { parseJson } from './json-text.ts';
import type { SenmlRecord } from './senml.ts';

/** The records of a pack in JSON (RFC 8428, section 5); throws TelemetryError. */
export function recordsOfJson(body: Uint8Array): SenmlRecord[] {
  const { value, members } = parseJson(body, 2);
  if (!Array.isArray(value)) throw malformedReadings(`${label(value)}, expected an array of records`);
  return value.map((record: unknown, index) => {
    if (typeof record !== 'object' || record === null || Array.isArray(record)) {
      throw malformedReadings(`record ${index} is no object`);
    }
    if (Object.keys(record).length !== members[index]) {
      throw malformedReadings(`record ${index} names a member twice`);
    }
    return withBytes(record as SenmlRecord);
  });
}

/** Base64 with the URL's letters and without padding (RFC 8428, section 5; RFC 4648, section 5). */
const base64url = /^(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2,3})?$/;

function withBytes(record: SenmlRecord): SenmlRecord {
  const { vd } = record;
  if (typeof vd !== 'string' || !base64url.test(vd)) return record;
  return { ...record, vd: Buffer.from(vd, 'base64url') };
}
