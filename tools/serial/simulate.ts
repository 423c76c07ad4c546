import {
  loadTransmitter,
  temperatureTransmitter,
  VirtualBaseStation,
  VirtualGw1,
  VirtualRadio,
  type VirtualTransmitter,
  windTransmitter,
} from '@loadline/hil-tests';
import { Command, InvalidArgumentError, Option } from 'commander';
import { attempt, baudRate, secondsOf, untilInterrupted, virtualLine } from './lines.ts';

interface Flags {
  link?: string;
  driver: 't24' | 'gw1';
  base: number;
  baud: number;
  transmitter: VirtualTransmitter[];
  seconds?: number;
  json: boolean;
}

const kinds = { wind: windTransmitter, load: loadTransmitter, temperature: temperatureTransmitter };

/** `loadline simulate`: a simulated base station on a virtual serial port, for anyone's program to open. */
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
    .option('--base <address>', "the base station's address, 1 to 16", baseAddress, 1)
    .option('--baud <rate>', 'pace of the line', baudRate, 115_200)
    .option(
      '--transmitter <kind:tag[:ms]>',
      'a transmitter: wind, load or temperature, its tag, and milliseconds between broadcasts; may be given again',
      (text: string, before: VirtualTransmitter[]) => [...before, transmitterOf(text)],
      [],
    )
    .option('--seconds <n>', 'end after that long', secondsOf)
    .option('--json', 'one line of JSON when the port is there, and one at the end', false)
    .addHelpText(
      'after',
      `
Without --transmitter: wind:25DF:200 load:3A10:100 temperature:4C21:1000. The same transmitters always send the
same values: each has its tag for a seed.

Examples:
  loadline simulate --link /tmp/radio              then: loadline listen /tmp/radio
  loadline simulate --transmitter load:FE56:50 --seconds 60 --json`,
    )
    .action((flags: Flags) => attempt('simulate', () => simulate(flags)));
}

async function simulate(flags: Flags): Promise<void> {
  const signal = untilInterrupted(flags.seconds);
  const line = await virtualLine(flags.link);
  try {
    const speed = { kind: 'paced', baud: flags.baud } as const;
    const receiver =
      flags.driver === 't24'
        ? new VirtualBaseStation(line.sink, { address: flags.base, speed })
        : new VirtualGw1(line.sink, { speed });
    const chosen = flags.transmitter.length > 0 ? flags.transmitter : usual();
    const radio = new VirtualRadio(receiver, chosen);
    if (flags.json) print({ port: line.path, transmitters: chosen.map(({ label }) => label) });
    else {
      console.log(`${receiver.label} on ${line.path}`);
      for (const { label, intervalMs } of chosen) console.log(`  ${label}, every ${intervalMs} ms`);
      console.log('Ctrl-C ends it.');
    }
    radio.start();
    if (!signal.aborted) {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    }
    radio.stop();
    const sum = { packetsSent: radio.packetsSent, packetsLost: radio.packetsLost };
    if (flags.json) print(sum);
    else console.log(`${sum.packetsSent} packets sent, ${sum.packetsLost} lost because nobody read them`);
  } finally {
    await line.close();
  }
}

function usual(): VirtualTransmitter[] {
  return ['wind:25DF:200', 'load:3A10:100', 'temperature:4C21:1000'].map(transmitterOf);
}

function transmitterOf(text: string): VirtualTransmitter {
  const [, kind, tag, interval] = /^([a-z]+):([0-9A-Fa-f]{4})(?::([0-9]{1,8}))?$/.exec(text) ?? [];
  const make = kinds[kind as keyof typeof kinds];
  if (make === undefined || tag === undefined) {
    throw new InvalidArgumentError(
      `It must be wind, load or temperature, a tag of four hex digits, and milliseconds, like load:3A10:100.`,
    );
  }
  try {
    return make({
      tag: Number.parseInt(tag, 16),
      ...(interval !== undefined && { intervalMs: Number(interval) }),
    });
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

function baseAddress(text: string): number {
  const address = Number(text);
  if (Number.isInteger(address) && address >= 1 && address <= 16) return address;
  throw new InvalidArgumentError('It must be a base address: a whole number from 1 to 16.');
}

function print(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
