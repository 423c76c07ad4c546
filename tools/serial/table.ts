import { type Decoded, type Measurement, paddingReason } from '@loadline/sdk/driver';
import {
  correlation,
  linkQualityPercent,
  packetFlags,
  rssiDecibels,
  statusBits,
  tagName,
} from '@loadline/sdk/t24';

/** What is known of one transmitter, as one base station hears it. */
interface Row {
  last: Measurement;
  count: number;
  /** Seconds since the listening began. */
  readonly firstAt: number;
  lastAt: number;
}

/** Everything heard on a port, sorted by base station and tag; bytes that were no frames, by reason. */
export class HeardTable {
  readonly #rows = new Map<string, Row>();
  readonly #discarded: Record<string, number> = {};
  #frames = 0;
  #others = 0;
  #bytes = 0;

  /** @param seconds since the listening began */
  take(decoded: Decoded, seconds: number): void {
    this.#bytes += decoded.bytes;
    if (decoded.kind === 'discarded') {
      if (decoded.reason === paddingReason) return;
      this.#discarded[decoded.reason] = (this.#discarded[decoded.reason] ?? 0) + decoded.bytes;
      return;
    }
    this.#frames++;
    if (decoded.content.kind === 'other') {
      this.#others++;
      return;
    }
    const { base, tag } = decoded.content;
    const key = `${String(base).padStart(2)} ${tagName(tag)}`;
    const row = this.#rows.get(key);
    if (row === undefined) {
      this.#rows.set(key, { last: decoded.content, count: 1, firstAt: seconds, lastAt: seconds });
      return;
    }
    row.last = decoded.content;
    row.count++;
    row.lastAt = seconds;
  }

  get sum() {
    const discardedBytes = Object.values(this.#discarded).reduce((sum, bytes) => sum + bytes, 0);
    const [frames, others, bytes] = [this.#frames, this.#others, this.#bytes];
    return { frames, others, bytes, discardedBytes, discarded: this.#discarded };
  }

  /** The table as text, `seconds` after the beginning. */
  text(seconds: number): string {
    const head = ['tag', 'base', 'value', 'signal', 'every', 'ago', 'frames', ''];
    const rows = [...this.#rows.entries()]
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([, { last, count, firstAt, lastAt }]) => [
        tagName(last.tag),
        last.base === 0 ? '' : String(last.base),
        valueText(last.value),
        qualityText(last.quality),
        count > 1 ? `${((lastAt - firstAt) / (count - 1)).toFixed(2)} s` : '',
        `${(seconds - lastAt).toFixed(1)} s`,
        String(count),
        remarks(last).join(', '),
      ]);
    const all = [head, ...rows];
    const widths = head.map((_, at) => Math.max(...all.map((row) => row[at]?.length ?? 0)));
    const lines = all.map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    );
    return `${lines.join('\n')}\n\n${this.sumText()}`;
  }

  sumText(): string {
    const { frames, others, discardedBytes, discarded } = this.sum;
    const reasons = Object.entries(discarded).map(([reason, bytes]) => `${reason} ${bytes}`);
    const noise = discardedBytes === 0 ? '' : ` (${reasons.join(', ')})`;
    return `${frames} frames, ${others} of them no measurements; ${discardedBytes} bytes were no frames${noise}`;
  }
}

/** A value for people. */
export function valueText(value: Measurement['value']): string {
  switch (value.type) {
    case 'none':
      return '-';
    case 'nonFinite':
      return 'not a number';
    case 'string':
      return JSON.stringify(value.value);
    case 'binary':
      return Buffer.from(value.value).toString('hex');
    case 'float32':
      return String(Number(value.value.toPrecision(7)));
    default:
      return String(value.value);
  }
}

/** Radio quality for people. */
export function qualityText(quality: Measurement['quality']): string {
  switch (quality.kind) {
    case 'none':
      return '';
    case 'lqi':
      return `${quality.percent} %`;
    case 'radio': {
      const percent = Math.round(linkQualityPercent(quality.rssi, quality.cv));
      return `${rssiDecibels(quality.rssi)} dB, CV ${correlation(quality.cv)}, ${percent} %`;
    }
  }
}

function remarks({ flags, status }: Measurement): string[] {
  return [
    flags & packetFlags.error ? 'error' : '',
    flags & packetFlags.batteryLow ? 'battery low' : '',
    status & statusBits.integrityError ? 'integrity error' : '',
    status & statusBits.shuntCalibration ? 'shunt calibration' : '',
  ].filter((remark) => remark !== '');
}
