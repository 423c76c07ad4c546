/** Radio quality from the raw bytes that end a packet (T24 Technical Manual; certainty A). */

/** LQI below which the manual calls a link unusable, and above which nothing gets better. */
const worstUsable = 50;
const best = 128;

/** RSSI in dB, -173..82, from its raw byte: a signed offset from -45 dB. */
export function rssiDecibels(rssi: number): number {
  return ((rssi << 24) >> 24) - 45;
}

/** Correlation of the received chips, 0..127: about 55 is poor, 110 good. The top bit of the byte is not part of it. */
export function correlation(cv: number): number {
  return cv & 0x7f;
}

/** LQI from the raw RSSI and CV bytes, unrounded. It can leave 0..255; 50..128 is the usable range. */
export function linkQuality(rssi: number, cv: number): number {
  return ((94 + rssiDecibels(rssi) + (correlation(cv) - 55)) / 2) * 3.9;
}

/** Link quality as it is shown to people: the usable range of LQI as 0..100 percent, unrounded, clamped. */
export function linkQualityPercent(rssi: number, cv: number): number {
  const share = (linkQuality(rssi, cv) - worstUsable) / (best - worstUsable);
  return Math.min(1, Math.max(0, share)) * 100;
}
