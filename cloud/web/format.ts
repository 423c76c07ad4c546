import type { Value } from './api.ts';

const MINUS = '\u2212';
const NARROW_SPACE = '\u202f';
const HARD_SPACE = '\u00a0';

/** What stands where there is nothing to show. */
export const NOTHING = '\u2013';

/**
 * A measured value in few characters. Floats get five significant digits and at most three decimals, which is what
 * such sensors resolve and does not flicker; below 0.01 five decimals, and what is smaller yet an exponent.
 */
export function formatValue(value: Value): string {
  switch (value.type) {
    case 'none':
      return NOTHING;
    case 'uint8':
    case 'uint16':
    case 'int32':
      return formatCount(value.value);
    case 'float32':
    case 'float64':
      return formatFloat(value.value);
    case 'nonFinite':
      return 'not a number';
    case 'string':
      return value.value;
    case 'binary':
      return toHex(value.value);
  }
}

/** A float as `formatValue` shows it. */
export function formatFloat(value: number): string {
  const size = Math.abs(value);
  const sign = value < 0 ? MINUS : '';
  if (size !== 0 && size < 1e-5) return sign + size.toExponential(2).replace('-', MINUS);
  if (size !== 0 && size < 0.01) return sign + size.toFixed(5);
  if (size >= 1e9) return sign + size.toExponential(4).replace('+', '');
  const wholeDigits = size < 1 ? 1 : Math.floor(Math.log10(size)) + 1;
  const digits = size.toFixed(Math.min(Math.max(5 - wholeDigits, 0), 3));
  // What rounds to zero has no sign.
  return Number(digits) === 0 ? digits : sign + digits;
}

/** A whole number with its thousands set apart. */
export function formatCount(count: number): string {
  const digits = String(Math.abs(count)).replace(/\B(?=(\d{3})+$)/g, NARROW_SPACE);
  return count < 0 ? MINUS + digits : digits;
}

const BYTE_UNITS = ['kB', 'MB', 'GB', 'TB'] as const;

/** A count of bytes in the largest unit (of 1,000) that fits. */
export function formatBytes(bytes: number): string {
  if (bytes < 1_000) return `${bytes}${HARD_SPACE}B`;
  let size = bytes / 1_000;
  let unit = 0;
  // What would be rounded up to 1000 is one of the next unit.
  while (size >= 999.5 && unit < BYTE_UNITS.length - 1) {
    size /= 1_000;
    unit += 1;
  }
  return `${size < 9.95 ? size.toFixed(1) : formatCount(Math.round(size))}${HARD_SPACE}${BYTE_UNITS[unit]}`;
}

/** The bytes of base64 as hexadecimal pairs. */
function toHex(base64: string): string {
  return Array.from(atob(base64), (byte) => byte.charCodeAt(0).toString(16).padStart(2, '0')).join(' ');
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** An age in ms in words, in the largest unit that fits. A time ahead of the clock is now. */
export function formatAge(age: number): string {
  if (age < SECOND) return 'now';
  if (age < MINUTE) return `${Math.floor(age / SECOND)} s ago`;
  if (age < HOUR) return `${Math.floor(age / MINUTE)} min ago`;
  if (age < DAY) return `${Math.floor(age / HOUR)} h ago`;
  return `${Math.floor(age / DAY)} d ago`;
}

/** A length of time in seconds, in its two largest units. */
export function formatDuration(seconds: number): string {
  const ms = Math.round(seconds) * SECOND;
  const whole = (unit: number, of = Number.POSITIVE_INFINITY) => Math.floor((ms % of) / unit);
  if (ms < MINUTE) return `${whole(SECOND)} s`;
  if (ms < HOUR) return `${whole(MINUTE)} min ${whole(SECOND, MINUTE)} s`;
  if (ms < DAY) return `${whole(HOUR)} h ${whole(MINUTE, HOUR)} min`;
  return `${formatCount(whole(DAY))} d ${whole(HOUR, DAY)} h`;
}

/** Milliseconds by which a reading on time may look late: its way here, and a clock known to the second. */
const TRANSIT = 5_000;

/** Whether a reading `age` ms old is older than three intervals (s). A sensor of unknown interval is never stale. */
export function isStale(age: number, intervalSeconds: number | null): boolean {
  return intervalSeconds !== null && age > Math.max(3 * intervalSeconds * SECOND, TRANSIT);
}

/** Local time of day for an axis whose marks lie `step` ms apart: with seconds where these differ. */
export function formatTimeOfDay(time: number, step: number): string {
  const at = new Date(time);
  const parts = [at.getHours(), at.getMinutes(), ...(step < MINUTE ? [at.getSeconds()] : [])];
  return parts.map((part) => String(part).padStart(2, '0')).join(':');
}
