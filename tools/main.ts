// The `loadline` command. Each subcommand is a folder beside this file that exports its commander `Command`.
import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { Command, CommanderError } from 'commander';
import { cloudCommands } from './cloud/commands.ts';
import { doctorOfGateway, statusOfGateway } from './gateway/command.ts';
import { listenCommand } from './serial/listen.ts';
import { recordCommand } from './serial/record.ts';
import { replayCommand } from './serial/replay.ts';
import { simulateCommand } from './serial/simulate.ts';
import { startCommand } from './start/command.ts';

/** What a command ends with when it was called wrongly: an unknown option, a missing file. */
const USAGE_ERROR = 2;

const commands: Command[] = [
  startCommand(),
  statusOfGateway(),
  doctorOfGateway(),
  listenCommand(),
  simulateCommand(),
  recordCommand(),
  replayCommand(),
  ...cloudCommands(),
];

const program = new Command('loadline')
  .description(
    'Takes readings of T24 radio sensors off a serial port, carries them over MQTT/TLS, and commits them to an ' +
      'encrypted database, where every one is accounted for.',
  )
  .version(ownVersion(), '-V, --version', 'print the version and end')
  .helpOption('-h, --help', 'print this and end; after a command, print what that command takes')
  .showHelpAfterError("Run 'loadline --help' for what it takes.")
  .exitOverride();

for (const command of commands) program.addCommand(settled(command, program));

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : USAGE_ERROR;
}

/** The settings of the command above, for a command and all below it. */
function settled(command: Command, above: Command): Command {
  command.copyInheritedSettings(above);
  for (const below of command.commands) settled(below, command);
  return command;
}

function ownVersion(): string {
  const path = findPackageJSON('.', import.meta.url);
  if (path === undefined)
    throw new Error(`no package.json above ${import.meta.url}: install @loadline/tools again`);
  const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string };
  return version;
}
