import { readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { RecordingError, readRecording } from '@loadline/hil-tests';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { Source, StartOptions } from './options.ts';
import { run } from './run.ts';

interface Flags {
  state: string;
  replay?: string;
  speed: 'line' | 'max';
  singleBytes: boolean;
  once: boolean;
  json: boolean;
  httpsPort?: number;
  mqttPort?: number;
}

/** Exit code of a call that trying again cannot mend. */
const usageError = 2;

/** `loadline start`: the whole of it on one machine, with nothing configured. */
export function startCommand(): Command {
  return new Command('start')
    .description(
      'run a cloud, a virtual base station and a gateway on this machine, and show where the page is',
    )
    .option('--state <dir>', 'folder of everything that is kept: a later start goes on with it', 'state')
    .option('--replay <file>', 'play a recording of a serial line (hex, or raw bytes) instead of simulating')
    .addOption(
      new Option('--speed <speed>', 'pace of a replay: of a line of 115200 baud, or as fast as it goes')
        .choices(['line', 'max'])
        .default('line'),
    )
    .option('--single-bytes', 'replay each byte as a write of its own', false)
    .option('--once', 'end when all of the replay is committed', false)
    .option(
      '--json',
      'say everything on standard error, and end with one line of JSON on standard output',
      false,
    )
    .option(
      '--https-port <port>',
      'port of the page (default: 8443, or a free one where that is taken)',
      portNumber,
    )
    .option(
      '--mqtt-port <port>',
      'port for gateways (default: 8883, or a free one where that is taken)',
      portNumber,
    )
    .addHelpText(
      'after',
      `
What is played is labelled: simulated transmitters are marked as such on the page. A recording goes to a
gateway of its own, and each of its tags becomes a series at its first frame.

Examples:
  npm start                                              simulated wind, load and temperature, until Ctrl-C
  npm start -- --replay line.hex --once --json           a recording, checked against what is stored

The JSON: {"frames","discardedBytes","readings","stored","duplicate","rejected","latencyMs":{"p50","p99"},
"series":[{"tag","count","first","last","min","max"}]}, read back from the store. Latency is from a frame's
last byte read to its row written, the final sync of the commit not included.`,
    )
    .action(async (flags: Flags, command: Command) => {
      if (flags.once && flags.replay === undefined) {
        command.error('error: --once needs --replay: simulated transmitters never end');
      }
      const source = readSource(flags.replay);
      if ('problem' in source) {
        // One line, and no advice to read the help: the mistake is in the file, not in the call.
        process.stderr.write(`loadline start: --replay ${flags.replay}: ${source.problem}\n`);
        process.exitCode = usageError;
        return;
      }
      const code = await run(
        {
          state: resolve(flags.state),
          httpsPort: flags.httpsPort,
          mqttPort: flags.mqttPort,
          source,
          playing: { speed: flags.speed, pieces: flags.singleBytes ? 'single-bytes' : 'large' },
          until: flags.once ? 'committed' : 'interrupted',
        } satisfies StartOptions,
        flags.json ? 'json' : 'text',
      );
      // Not by running out: a second Ctrl-C would find the handlers gone while the process winds down.
      process.exit(code);
    });
}

function portNumber(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError('It must be a port: a number from 0 to 65535.');
}

/** Reads the recording before anything is started: a mistake in its name costs nothing. */
function readSource(path: string | undefined): Source | { readonly problem: string } {
  if (path === undefined) return { kind: 'simulated' };
  try {
    return { kind: 'recording', name: basename(path), recording: readRecording(readFileSync(path)) };
  } catch (error) {
    if (error instanceof RecordingError) return { problem: error.message };
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return { problem: code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code})` };
  }
}
