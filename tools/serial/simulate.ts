import { closeSync, openSync, writeSync } from 'node:fs';
import {
  type ByteSink,
  LineRecorder,
  type LineSpeed,
  type Receiver,
  VirtualAir,
  VirtualBaseStation,
  VirtualGw1,
  type VirtualModule,
  VirtualModules,
  type VirtualPort,
  VirtualRadio,
} from '@loadline/hil-tests';
import { Command, InvalidArgumentError, Option } from 'commander';
import { attempt, baudRate, secondsOf, untilInterrupted, virtualPort } from './lines.ts';
import { type Asked, transmitterOf, usualTransmitters } from './transmitters.ts';

interface Flags {
  link?: string;
  driver: 't24' | 'gw1';
  base: number;
  baud: number;
  transmitter: Asked[];
  stations: number;
  metres?: number;
  battery?: number;
  seed: number;
  record?: string;
  seconds?: number;
  json: boolean;
}

/** A simulated base station or GW1, the port it is behind, and what becomes of it at the end. */
interface Station {
  readonly port: VirtualPort;
  readonly receiver: Receiver;
  /** Has the modules of a radio obey what the host sends. */
  obey(radio: VirtualRadio): void;
  close(): Promise<void>;
}

/** `loadline simulate`: simulated base stations on virtual serial ports, for anyone's program to open. */
export function simulateCommand(): Command {
  return new Command('simulate')
    .description(
      'be a base station with SIMULATED transmitters, on a virtual serial port that any program can open',
    )
    .option('--link <path>', 'where the port is to appear: a link, whatever /dev/pts/N is behind it')
    .addOption(
      new Option('--driver <driver>', 'what to speak: base station (binary) or T24-GW1 (ASCII)')
        .choices(['t24', 'gw1'])
        .default('t24'),
    )
    .option('--base <address>', "the base station's address, 1 to 16", (text) => whole(text, 1, 16), 1)
    .option('--baud <rate>', 'pace of the line', baudRate, 115_200)
    .option(
      '--transmitter <kind:tag[:ms]>',
      'a transmitter: wind, load, temperature, pulse or strain (fast), its tag, and milliseconds between broadcasts; may be given again',
      (text: string, before: Asked[]) => [...before, transmitterOf(text)],
      [],
    )
    .option(
      '--stations <n>',
      'as many base stations hear them, 1 to 16, each on a port of its own: PATH, PATH-2 …',
      (text) => whole(text, 1, 16),
      1,
    )
    .option(
      '--metres <m>',
      'how far away the transmitters are from the first base station, twice as far from the second, and so on: signal fades, packets collide',
      above0,
    )
    .option('--battery <mAh>', 'their batteries: low at 15 % of that, then flat; otherwise they last', above0)
    .option('--seed <n>', 'other values, the same for the same number', (text) => whole(text, 0, 2 ** 30), 0)
    .option('--record <file>', 'write what is sent, and what the other program sends, to FILE, FILE-2 …')
    .option('--seconds <n>', 'end after that long', secondsOf)
    .option('--json', 'one line of JSON when the ports are there, and one at the end', false)
    .addHelpText(
      'after',
      `
Without --transmitter: wind:25DF:200 load:3A10:100 temperature:4C21:1000. The same transmitters always send the
same values. They obey commands (wake, sleep, pause, reads of their parameters …) addressed to F0 and their tag.

Examples:
  loadline simulate --link /tmp/radio              then: loadline listen /tmp/radio
  loadline simulate --link /tmp/radio --stations 2 --metres 40     two gateways hear one site
  loadline simulate --transmitter load:FE56:50 --seconds 60 --json`,
    )
    .action((flags: Flags) => attempt('simulate', () => simulate(flags)));
}

async function simulate(flags: Flags): Promise<void> {
  const signal = untilInterrupted(flags.seconds);
  const asked = flags.transmitter.length > 0 ? flags.transmitter : usualTransmitters();
  if (flags.driver === 'gw1' && asked.some(({ kind }) => kind === 'strain')) {
    throw new Error('a GW1 sends numbers as text, and strain is binary: choose --driver t24');
  }
  const battery = flags.battery === undefined ? {} : { battery: { milliampHours: flags.battery } };
  const modules = asked.map(({ make }) => make({ seed: flags.seed, ...battery }));
  const stations: Station[] = [];
  try {
    for (let number = 1; number <= flags.stations; number++) stations.push(await openStation(flags, number));
    const receivers = stations.map(({ receiver }) => receiver);
    const air = flags.metres === undefined ? undefined : site(flags.metres, flags.seed, receivers, modules);
    const radio = new VirtualRadio(receivers, modules, air && { air });
    for (const station of stations) station.obey(radio);
    const ports = stations.map(({ port }) => port.path);
    if (flags.json) print({ port: ports[0], ports, transmitters: modules.map(({ label }) => label) });
    else {
      for (const { port, receiver } of stations) console.log(`${receiver.label} on ${port.path}`);
      for (const { label, intervalMs } of modules) console.log(`  ${label}, every ${intervalMs} ms`);
      console.log('Ctrl-C ends it.');
    }
    radio.start();
    if (!signal.aborted) {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    }
    radio.stop();
    const counted = air && { air: receivers.map((receiver) => air.countsAt(receiver)) };
    const sum = { packetsSent: radio.packetsSent, packetsLost: radio.packetsLost, ...counted };
    if (flags.json) print(sum);
    else console.log(`${sum.packetsSent} packets sent, ${sum.packetsLost} lost because nobody read them`);
    if (!flags.json && counted) {
      for (const [index, { heard, faded, collided }] of counted.air.entries())
        console.log(`${ports[index]}: ${heard} heard, ${faded} too weak, ${collided} collided`);
    }
  } finally {
    for (const station of stations) await station.close();
  }
}

/** The transmitters in one place, the first base station some metres away, each other one as far again behind it. */
function site(
  metres: number,
  seed: number,
  receivers: readonly Receiver[],
  modules: readonly VirtualModule[],
): VirtualAir {
  const air = new VirtualAir({ seed });
  for (const [index, receiver] of receivers.entries()) air.place(receiver, { x: -index * metres, y: 0 });
  // A few metres apart, as on a crane.
  for (const [index, module] of modules.entries()) air.place(module, { x: metres, y: index * 3 });
  return air;
}

/** @param number 1 for the first, whose link and recording are as they were given */
async function openStation(flags: Flags, number: number): Promise<Station> {
  const suffix = number === 1 ? '' : `-${number}`;
  const file = flags.record === undefined ? undefined : openSync(`${flags.record}${suffix}`, 'wx');
  const port = await virtualPort(flags.link === undefined ? undefined : `${flags.link}${suffix}`);
  const recorder =
    file === undefined ? undefined : new LineRecorder({ write: (line) => writeSync(file, line) });
  recorder?.listen(port);
  const sink: ByteSink = recorder?.tap(port) ?? port;
  const speed: LineSpeed = { kind: 'paced', baud: flags.baud };
  const close = async (): Promise<void> => {
    await port.close();
    if (file !== undefined) closeSync(file);
  };
  if (flags.driver === 'gw1') {
    return { port, receiver: new VirtualGw1(sink, { speed }), obey: () => undefined, close };
  }
  const station = new VirtualBaseStation(sink, { address: ((flags.base + number - 2) % 16) + 1, speed });
  const obey = (radio: VirtualRadio): void => {
    new VirtualModules(station, port, { radio });
  };
  return { port, receiver: station, obey, close };
}

function whole(text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
}

function above0(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 1_000_000) return value;
  throw new InvalidArgumentError('It must be a number above 0.');
}

function print(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
