import type { News } from '@loadline/sdk/provisioning';
import { correlation, packetFlags, rssiDecibels, tagName } from '@loadline/sdk/t24';
import type { Reading } from '@loadline/sdk/telemetry';

type HeardTag = News<'heard'>['tags'][number];

/** As many as one message names. */
const mostTags = 256;
/** As many are remembered, with their counts: a tag may be heard by several base stations. */
const mostSightings = 4096;
/** Characters of a value. */
const valueCharacters = 256;

interface Sighting {
  readonly reading: Pick<Reading, 'base' | 'tag' | 'value' | 'flags' | 'quality'>;
  readonly path: string;
  readonly at: number;
  readonly frames: number;
}

/**
 * Which tags are on the air, on which port, by which base station, and how well they are heard. Where more are heard than
 * one message names, it names those heard last: a sensor that somebody has just woken is among them, however many others
 * were there before it. Pure.
 */
export class HeardTags {
  /** The one heard last stands last. */
  readonly #sightings = new Map<string, Sighting>();

  /** @param at monotonic milliseconds */
  heard(reading: Sighting['reading'], path: string, at: number): void {
    const key = `${reading.tag} ${path} ${reading.base}`;
    const before = this.#sightings.get(key);
    this.#sightings.delete(key);
    this.#sightings.set(key, { reading, path, at, frames: (before?.frames ?? 0) + 1 });
    const [longestAgo] = this.#sightings.keys();
    if (this.#sightings.size > mostSightings && longestAgo !== undefined) this.#sightings.delete(longestAgo);
  }

  /** The 256 heard last. Those with the best signal first; where none is known, those heard most often. */
  list(now: number): HeardTag[] {
    return [...this.#sightings.values()]
      .slice(-mostTags)
      .map(({ reading, path, at, frames }) => {
        const { tag, base, value, flags, quality } = reading;
        const radio = quality.kind === 'radio' ? quality : undefined;
        return {
          tag: tagName(tag),
          port: path,
          base: base === 0 ? null : base,
          frames,
          rssi: radio === undefined ? null : rssiDecibels(radio.rssi),
          cv: radio === undefined ? null : correlation(radio.cv),
          value: valueText(value).slice(0, valueCharacters),
          lowBattery: (flags & packetFlags.batteryLow) !== 0,
          secondsAgo: Math.max(0, Math.round((now - at) / 100) / 10),
        };
      })
      .toSorted((one, other) => (other.rssi ?? -999) - (one.rssi ?? -999) || other.frames - one.frames);
  }
}

function valueText(value: Reading['value']): string {
  switch (value.type) {
    case 'none':
      return '';
    case 'nonFinite':
      return 'no number';
    case 'string':
      return value.value;
    case 'binary':
      return Buffer.from(value.value).toString('hex');
    case 'float32':
      // Seven digits are all that it has.
      return String(Number(value.value.toPrecision(7)));
    default:
      return String(value.value);
  }
}
