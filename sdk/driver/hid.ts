import { encodeFrame, type Framed, Framer } from '../t24/index.ts';
import { type Decoded, type Decoder, type Driver, paddingReason } from './driver.ts';
import { decodedOf } from './frames.ts';
import { onlyOptions } from './options.ts';

/** Bytes of one report of a USB base station, padded with zeros. */
const reportBytes = 64;

/**
 * A T24-BSu or T24-BSi on USB. It is no serial port there but a HID device, whose reports carry the frames of
 * the serial line; a frame may span reports (T24 Technical Manual, certainty B: nobody here has seen one).
 */
export const hid: Driver = {
  name: 'hid',
  label: 'T24-BSu or T24-BSi on USB HID, binary; untested on hardware',
  support: 'untested',
  transport: { kind: 'hid', vendorId: 0x1781, productId: 0x0ba4, reportBytes },
  open(options) {
    onlyOptions('hid', options, []);
    return paddedDecoder();
  },
  encode(base, packet) {
    const frame = encodeFrame(base, packet);
    const reports = new Uint8Array(Math.ceil(frame.length / reportBytes) * reportBytes);
    reports.set(frame);
    return reports;
  },
};

/** Frames with zeros between them. No frame has a length of 0, so the framer drops them; here they get their name. */
function paddedDecoder(): Decoder {
  const framer = new Framer();
  return {
    get held() {
      return framer.held;
    },
    push: (chunk) => framer.push(chunk).flatMap(padded),
    stalled: () => framer.stalled().flatMap(padded),
  };
}

/** A run of discarded bytes as its zeros and the rest: the zeros are padding where no length is expected. */
function padded(framed: Framed): Decoded[] {
  if (framed.kind !== 'discarded' || framed.reason !== 'length') return [decodedOf(framed)];
  const zeros = framed.bytes.reduce((count, byte) => (byte === 0 ? count + 1 : count), 0);
  const others = framed.bytes.length - zeros;
  const decoded: Decoded[] = [];
  if (others > 0) decoded.push({ kind: 'discarded', bytes: others, reason: framed.reason });
  if (zeros > 0) decoded.push({ kind: 'discarded', bytes: zeros, reason: paddingReason });
  return decoded;
}
