import {
  type DataProviderPacket,
  encodeFrame,
  encodeGw1Line,
  encodePacket,
  linkQualityPercent,
  type Packet,
  packetFlags,
  statusBits,
} from '@loadline/sdk/t24';
import type { ByteSink } from './byte-sink.ts';
import { RigError } from './errors.ts';
import { type LineOptions, SerialLine } from './serial-line.ts';

/** What hears transmitters and tells a host: a virtual base station or a virtual GW1. */
export interface Receiver {
  /** Says which simulated receiver this is, in words. */
  readonly label: string;
  /** Tells the host of a packet that was heard. Resolves when the line's sink took the last byte of it. */
  hear(packet: DataProviderPacket): Promise<void>;
  /** Bytes on their way to the host that have not been taken yet. */
  readonly queuedBytes: number;
}

/** Options of a virtual base station. */
export interface BaseStationOptions extends LineOptions {
  /** Address switch, 1..16. Default: 1. */
  readonly address?: number;
}

/** A simulated T24 base station: sends packets as frames to whatever is behind `sink`, at the pace of its line. */
export class VirtualBaseStation implements Receiver {
  readonly label: string;
  readonly address: number;
  readonly #line: SerialLine;
  #framesSent = 0;

  constructor(sink: ByteSink, options: BaseStationOptions = {}) {
    const { address = 1 } = options;
    if (!Number.isInteger(address) || address < 1 || address > 16) {
      throw new RigError('option', `base address is ${address}; it must be a whole number from 1 to 16`);
    }
    this.address = address;
    this.label = `simulated T24 base station ${address}`;
    this.#line = new SerialLine(sink, options);
  }

  /** Frames whose last byte has been taken. */
  get framesSent(): number {
    return this.#framesSent;
  }

  /** Bytes that have been taken, those of `transmitBytes` among them. */
  get bytesSent(): number {
    return this.#line.bytesSent;
  }

  get queuedBytes(): number {
    return this.#line.queuedBytes;
  }

  /**
   * Sends a packet of any type as a frame. Resolves when its last byte has been taken; rejects with what the sink
   * rejects with (RigError `unplugged` of a virtual port), or T24Error for a packet that cannot be encoded.
   */
  async transmit(packet: Packet): Promise<void> {
    await this.#line.write(encodeFrame(this.address, encodePacket(packet)));
    this.#framesSent += 1;
  }

  hear(packet: DataProviderPacket): Promise<void> {
    return this.transmit(packet);
  }

  /** Sends bytes as they are, in turn with the frames: noise, or a frame that is broken on purpose. */
  transmitBytes(bytes: Uint8Array): Promise<void> {
    return this.#line.write(bytes);
  }
}

/**
 * A simulated T24-GW1 in ASCII mode: sends each numeric data provider packet as one line of text that ends with CR:
 * `1A2B=12.345000,100,0,0` is tag, value, link quality in percent, low battery, integrity error.
 */
export class VirtualGw1 implements Receiver {
  readonly label = 'simulated T24-GW1';
  readonly #line: SerialLine;
  #linesSent = 0;

  constructor(sink: ByteSink, options: LineOptions = {}) {
    this.#line = new SerialLine(sink, options);
  }

  /** Lines whose last byte has been taken. */
  get linesSent(): number {
    return this.#linesSent;
  }

  get bytesSent(): number {
    return this.#line.bytesSent;
  }

  get queuedBytes(): number {
    return this.#line.queuedBytes;
  }

  /** Sends the packet as a line. Rejects with RigError `option` if its value is not a finite number. */
  async hear(packet: DataProviderPacket): Promise<void> {
    await this.#line.write(
      encodeGw1Line({
        tag: packet.tag,
        text: decimalText(packet),
        lqi: Math.round(linkQualityPercent(packet.rssi, packet.cv)),
        batteryLow: (packet.flags & packetFlags.batteryLow) !== 0,
        integrityError: (packet.status & statusBits.integrityError) !== 0,
      }),
    );
    this.#linesSent += 1;
  }
}

/** GW1 lines carry decimals and no exponent; this many places are more than a float32 of everyday size holds. */
const DECIMAL_PLACES = 6;

function decimalText({ tag, value }: DataProviderPacket): string {
  const numeric = 'value' in value && typeof value.value === 'number' ? value.value : Number.NaN;
  const text = numeric.toFixed(DECIMAL_PLACES);
  if (!Number.isFinite(numeric) || text.includes('e')) {
    throw new RigError('option', `tag ${tag}: a GW1 line carries plain decimals only, and not ${value.type}`);
  }
  return text;
}
