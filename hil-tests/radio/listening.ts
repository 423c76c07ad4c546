import { Radio, type RadioEvent, type RadioOptions } from '@loadline/device-runtime/radio';
import { encodeFrame, encodePacket } from '@loadline/sdk/t24';
import { SerialPort } from 'serialport';
import { until } from '../rig/index.ts';

type PortConfig = RadioOptions['ports'][number];
type Heard = Parameters<RadioOptions['onHeard']>[0][number];

/** A port as the configuration gives it, with what a test wants otherwise. */
export function portConfig(port: Partial<PortConfig> & { readonly path: string }): PortConfig {
  return { name: 'radio', baud: 115_200, driver: 't24', options: {}, transmit: false, ...port };
}

/** The frame of a measurement, an int32, as a base station sends it. */
export function measurementFrame(base: number, tag: number, value: number): Uint8Array {
  const packet = {
    kind: 'dataProvider',
    flags: 0x20,
    tag,
    status: 0,
    dataType: 3,
    value: { type: 'int32', value },
    rssi: 0xfb,
    cv: 0xe8,
  } as const;
  return encodeFrame(base, encodePacket(packet));
}

/** The radio of a gateway, in this process, and everything it says. */
export class Listening {
  readonly heard: Heard[] = [];
  readonly events: RadioEvent[] = [];
  readonly log: { readonly event: string; readonly fields: Readonly<Record<string, unknown>> }[] = [];
  readonly radio: Radio;

  constructor(ports: readonly PortConfig[], options: Partial<RadioOptions> = {}) {
    const note = (event: string, fields = {}): void => {
      this.log.push({ event, fields });
    };
    this.radio = new Radio({
      ports,
      binding: SerialPort.binding,
      clock: { boot: '', monotonic: () => performance.now(), wall: Date.now },
      log: { info: note, warn: note, error: note },
      onHeard: (heard) => this.heard.push(...heard),
      onChange: () => {},
      onEvent: (event) => this.events.push(event),
      ...options,
    });
    this.radio.open();
  }

  /** Ports and values heard, in order. */
  get values(): string[] {
    return this.heard.map(({ port, content }) =>
      content.kind === 'measurement' && content.value.type === 'int32'
        ? `${port} ${content.value.value}`
        : port,
    );
  }

  get codes(): string[] {
    return this.events.map(({ code, subject }) => `${subject} ${code}`);
  }

  ledger(port = 'radio') {
    const found = this.radio.ledgers.find(({ name }) => name === port);
    if (found === undefined) throw new Error(`no port ${port}`);
    return found;
  }

  async opened(times = 1, port = 'radio'): Promise<void> {
    await until(() => this.codes.filter((code) => code === `${port} port-open`).length >= times, {
      what: `${port} is open for the ${times}th time`,
    });
  }

  async hears(count: number): Promise<void> {
    await until(() => this.heard.length >= count, { what: `${count} frames are heard` });
  }
}

/** What a promise that must fail says. */
export function failure(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'it did not fail',
    (error: Error) => error.message,
  );
}
