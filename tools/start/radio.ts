import {
  loadTransmitter,
  playRecording,
  temperatureTransmitter,
  VirtualBaseStation,
  type VirtualPort,
  VirtualRadio,
  type VirtualTransmitter,
  windTransmitter,
} from '@loadline/hil-tests';
import { tagName } from '@loadline/sdk/t24';
import type { Playing, Source } from './options.ts';

/** What sends into the gateway's serial port. */
export interface Radio {
  /** Sensors for the gateway's configuration. */
  readonly sensors: readonly object[];
  /** Sends; settles when there is nothing more to send (never, for simulated transmitters). */
  send(signal: AbortSignal): Promise<void>;
}

interface Simulated {
  readonly transmitter: VirtualTransmitter;
  readonly sensors: readonly { readonly name: string; readonly unit: string }[];
}

const wind = 0x25df;
const load = 0x3a10;
const temperature = 0x4c21;

/** A mast with a crane beside it, all of it simulated, and said so wherever it is shown. */
function simulated(): Simulated[] {
  return [
    {
      transmitter: windTransmitter({ tag: wind, intervalMs: 200 }),
      sensors: [
        { name: 'Wind, moving average', unit: 'm/s' },
        { name: 'Wind, gust', unit: 'm/s' },
      ],
    },
    {
      transmitter: loadTransmitter({ tag: load, intervalMs: 100 }),
      sensors: [{ name: 'Crane hook load', unit: 't' }],
    },
    {
      transmitter: temperatureTransmitter({ tag: temperature, intervalMs: 1000 }),
      sensors: [{ name: 'Air temperature', unit: '°C' }],
    },
  ];
}

/** The radio for a source, on a port. */
export function makeRadio(source: Source, playing: Playing, port: VirtualPort): Radio {
  switch (source.kind) {
    case 'simulated': {
      const parts = simulated();
      const station = new VirtualBaseStation(port, { address: 1 });
      const radio = new VirtualRadio(
        station,
        parts.map(({ transmitter }) => transmitter),
      );
      return {
        sensors: parts.flatMap(({ transmitter, sensors }) =>
          sensors.map(({ name, unit }, index) => ({
            tag: tagName((transmitter.tags[index] as number) ?? 0),
            name,
            unit,
            interval_seconds: transmitter.intervalMs / 1000,
            simulated: true,
          })),
        ),
        send: (signal) =>
          new Promise((resolve) => {
            radio.start();
            signal.addEventListener('abort', () => {
              radio.stop();
              resolve();
            });
          }),
      };
    }
    case 'recording':
      return {
        sensors: [],
        send: async (signal) => {
          await playRecording(source.recording.bytes, port, {
            speed:
              playing.speed === 'max' ? { kind: 'as-fast-as-it-goes' } : { kind: 'paced', baud: 115_200 },
            chunks: playing.pieces === 'large' ? { kind: 'whole' } : { kind: 'single-bytes' },
            signal,
          });
        },
      };
  }
}
