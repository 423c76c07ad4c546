import { resolve } from 'node:path';
import { type Decoded, driverNamed, drivers, loadDriver, type Measurement } from '@loadline/sdk/driver';
import { correlation, linkQualityPercent, rssiDecibels, stallMilliseconds, tagName } from '@loadline/sdk/t24';
import { Command, InvalidArgumentError } from 'commander';
import { attempt, baudRate, openSerial, secondsOf, untilInterrupted } from './lines.ts';
import { HeardTable, qualityText, valueText } from './table.ts';

interface Flags {
  driver: string;
  option: Record<string, string | number>;
  baud: number;
  seconds?: number;
  json: boolean;
}

/** Milliseconds between two pictures of the table. */
const pictureMilliseconds = 500;

/** `loadline listen`: what is heard on a port, live. */
export function listenCommand(): Command {
  const names = drivers.map(({ name }) => name).join(', ');
  return new Command('listen')
    .description('decode a serial port live: every transmitter that is heard, its values and its signal')
    .argument('<port>', 'the port, best its link in /dev/serial/by-id')
    .option(
      '--driver <name>',
      `what speaks on the line: ${names}, or a driver of your own (name=./module.mjs)`,
      't24',
    )
    .option(
      '--option <key=value>',
      "an option of the driver, such as a T24-SO's template; may be given again",
      (text: string, before: Flags['option']) => ({ ...before, ...optionOf(text) }),
      {},
    )
    .option('--baud <rate>', 'line speed', baudRate, 115_200)
    .option('--seconds <n>', 'end after that long; otherwise Ctrl-C ends it', secondsOf)
    .option('--json', 'one line of JSON a frame, and one at the end', false)
    .addHelpText(
      'after',
      `
On a terminal: a table of what is heard, kept up to date; elsewhere a line for each frame. Signal: RSSI in dB, CV
(55 is poor, 110 good), link quality in percent. Bytes that were no frames are counted by reason: noise, or a wrong
baud rate. A gateway that has the port open must be stopped first; nothing is sent.

The JSON: {"seconds","base","tag","value","flags","status","rssiDecibels","cv","percent"} a frame, at the end
{"frames","others","bytes","discardedBytes","discarded":{reason:bytes}}.`,
    )
    .action((port: string, flags: Flags) => attempt('listen', () => listen(port, flags)));
}

async function listen(path: string, flags: Flags): Promise<void> {
  const signal = untilInterrupted(flags.seconds);
  const [name = '', module] = flags.driver.split('=');
  const driver =
    module === undefined ? driverNamed(name) : await loadDriver({ name, module: resolve(module) });
  if (driver.transport.kind !== 'serial') throw new Error(`${driver.name} is not for serial ports`);
  const decoder = driver.open(flags.option);
  const port = await openSerial(path, flags.baud);
  const began = performance.now();
  const table = new HeardTable();
  const live = !flags.json && process.stdout.isTTY;
  const take = (decoded: readonly Decoded[]): void => {
    const seconds = (performance.now() - began) / 1000;
    for (const each of decoded) {
      table.take(each, seconds);
      if (each.kind !== 'frame' || each.content.kind !== 'measurement') continue;
      if (flags.json) process.stdout.write(`${JSON.stringify(jsonOf(each.content, seconds))}\n`);
      else if (!live) console.log(lineOf(each.content, seconds));
    }
  };
  let stall: NodeJS.Timeout | undefined;
  port.on('data', (chunk: Buffer) => {
    take(decoder.push(chunk));
    clearTimeout(stall);
    if (decoder.held > 0) stall = setTimeout(() => take(decoder.stalled()), stallMilliseconds);
  });
  const picture = live ? setInterval(() => show(path, table, began), pictureMilliseconds) : undefined;
  try {
    await new Promise<void>((done, fail) => {
      port.once('close', () => fail(new Error(`${path} was closed: its device is gone`)));
      port.on('error', fail);
      if (signal.aborted) done();
      signal.addEventListener('abort', () => done());
    });
  } finally {
    clearTimeout(stall);
    clearInterval(picture);
    if (port.isOpen) await new Promise<void>((closed) => port.close(() => closed()));
    take(decoder.stalled());
    // Also where the device has gone: what was heard until then was heard.
    if (flags.json) process.stdout.write(`${JSON.stringify(table.sum)}\n`);
    else console.log(table.sumText());
  }
}

function show(path: string, table: HeardTable, began: number): void {
  const seconds = (performance.now() - began) / 1000;
  process.stdout.write(`\x1b[H\x1b[2J${path}, ${Math.round(seconds)} s\n\n${table.text(seconds)}\n`);
}

function jsonOf({ base, tag, value, flags, status, quality }: Measurement, seconds: number) {
  const signal =
    quality.kind === 'radio'
      ? {
          rssiDecibels: rssiDecibels(quality.rssi),
          cv: correlation(quality.cv),
          percent: Math.round(linkQualityPercent(quality.rssi, quality.cv)),
        }
      : { percent: quality.kind === 'lqi' ? quality.percent : null };
  const shown = value.type === 'binary' ? Buffer.from(value.value).toString('hex') : plainValue(value);
  return {
    seconds: Math.round(seconds * 1000) / 1000,
    base,
    tag: tagName(tag),
    value: shown,
    flags,
    status,
    ...signal,
  };
}

function plainValue(value: Measurement['value']): number | string | null {
  switch (value.type) {
    case 'none':
    case 'nonFinite':
    case 'binary':
      return null;
    default:
      return value.value;
  }
}

function lineOf(measurement: Measurement, seconds: number): string {
  const { base, tag, value, quality } = measurement;
  const station = base === 0 ? '' : ` base ${base}`;
  return `${seconds.toFixed(3).padStart(9)} s ${tagName(tag)}${station}  ${valueText(value)}  ${qualityText(quality)}`;
}

function optionOf(text: string): Flags['option'] {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('It must be a key and its value, like template={tag},{value}.');
  const value = text.slice(at + 1);
  return { [text.slice(0, at)]: /^\d+$/.test(value) ? Number(value) : value };
}
