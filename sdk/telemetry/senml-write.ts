import type { NamedReading } from './named-reading.ts';
import { cborLabels, senmlEncoder } from './senml-cbor.ts';

/** The forms of SenML (RFC 8428): JSON, `application/senml+json`, and CBOR, `application/senml+cbor`. */
export type SenmlForm = 'senml' | 'senml-cbor';

/** One record, by its labels. */
type Record = { readonly [name in keyof typeof cborLabels]?: string | number | Uint8Array };

/**
 * Writes a pack piece by piece, so that an export of any length needs little memory: `add` as often as there are readings,
 * then `end`; the pieces behind each other are the pack. Times are seconds since 1970 and keep their milliseconds; those
 * before July 1978 would be read as relative (RFC 8428, section 4.5.3). A number that is none (NaN, an infinity) stands as
 * text: SenML has no such numbers.
 */
export class SenmlWriter {
  readonly #form: SenmlForm;
  #begun = false;

  constructor(form: SenmlForm) {
    this.#form = form;
  }

  /** The next piece. */
  add(readings: Iterable<NamedReading>): Uint8Array {
    const pieces: Buffer[] = [];
    for (const reading of readings) {
      pieces.push(this.#opening(), this.#record(recordOf(reading)));
      this.#begun = true;
    }
    return Buffer.concat(pieces);
  }

  /** The last piece. */
  end(): Uint8Array {
    const close = this.#form === 'senml' ? Buffer.from(']') : Buffer.of(0xff);
    return this.#begun ? close : Buffer.concat([this.#opening(), close]);
  }

  /** What stands before a record: the beginning of the array, which in CBOR has no length (RFC 8949, section 3.2.2). */
  #opening(): Buffer {
    if (this.#form === 'senml') return Buffer.from(this.#begun ? ',\n' : '[');
    return this.#begun ? Buffer.alloc(0) : Buffer.of(0x9f);
  }

  #record(record: Record): Buffer {
    if (this.#form === 'senml') {
      const { vd } = record;
      const data = vd instanceof Uint8Array && { vd: Buffer.from(vd).toString('base64url') };
      return Buffer.from(JSON.stringify({ ...record, ...data }));
    }
    const labelled = Object.entries(record).map(
      ([name, value]) => [cborLabels[name as keyof typeof cborLabels], value] as const,
    );
    return Buffer.from(senmlEncoder.encode(new Map(labelled)));
  }
}

/** A whole pack of these readings. */
export function writeSenml(form: SenmlForm, readings: Iterable<NamedReading>): Uint8Array {
  const writer = new SenmlWriter(form);
  return Buffer.concat([writer.add(readings), writer.end()]);
}

function recordOf({ name, time, sinceArrival, unit, value }: NamedReading): Record {
  const milliseconds = time ?? sinceArrival;
  return {
    n: name,
    ...(unit !== undefined && { u: unit }),
    ...valueIn(value),
    ...(milliseconds !== undefined && { t: milliseconds / 1000 }),
  };
}

function valueIn({ type, value }: NamedReading['value']): Record {
  switch (type) {
    case 'float64':
    case 'uint8':
      return Number.isFinite(value) ? { v: value } : { vs: String(value) };
    case 'string':
      return { vs: value };
    case 'binary':
      return { vd: value };
  }
}
