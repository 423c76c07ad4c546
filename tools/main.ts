// The `loadline` command. Each subcommand is a folder beside this file that exports its commander `Command`.
import { constants } from 'node:os';
import { Command, CommanderError } from 'commander';
import { cloudCommands } from './cloud/commands.ts';
import { ownVersion } from './version.ts';

/** What a command ends with when it was called wrongly: an unknown option, a missing file. */
const USAGE_ERROR = 2;

/** Loaded when they are called: they bring a cloud, a gateway or serial ports with them, which takes a second. */
const onThisMachine: Readonly<Record<string, () => Promise<Command>>> = {
  start: async () => (await import('./start/command.ts')).startCommand(),
  status: async () => (await import('./gateway/command.ts')).statusOfGateway(),
  doctor: async () => (await import('./gateway/command.ts')).doctorOfGateway(),
  listen: async () => (await import('./serial/listen.ts')).listenCommand(),
  simulate: async () => (await import('./serial/simulate.ts')).simulateCommand(),
  record: async () => (await import('./serial/record.ts')).recordCommand(),
  hil: async () => (await import('./hil/command.ts')).hilCommand(),
  cloud: async () => (await import('./state-folder/command.ts')).cloudCommand(),
  ca: async () => (await import('./ca/command.ts')).caCommand(),
  provision: async () => (await import('./provision/command.ts')).provisionCommand(),
  flash: async () => (await import('./flash/command.ts')).flashCommand(),
  image: async () => (await import('./image/command.ts')).imageCommand(),
  release: async () => (await import('./release/command.ts')).releaseCommand(),
  replay: async () => (await import('./serial/replay.ts')).replayCommand(),
};

/** The commands among which the one of this name is, if there is one; all of them for who asks what there is. */
async function commandsFor(name: string | undefined): Promise<Command[]> {
  const own = name !== undefined && Object.hasOwn(onThisMachine, name) ? onThisMachine[name] : undefined;
  if (own !== undefined) return [await own()];
  const cloud = cloudCommands();
  if (cloud.some((command) => command.name() === name)) return cloud;
  return [...(await Promise.all(Object.values(onThisMachine).map((load) => load()))), ...cloud];
}

const program = new Command('loadline')
  .description(
    'Takes readings of T24 radio sensors off a serial port, carries them over MQTT/TLS, and commits them to an ' +
      'encrypted database, where every one is accounted for.',
  )
  .version(ownVersion(), '-V, --version', 'print the version and end')
  .helpOption('-h, --help', 'print this and end; after a command, print what that command takes')
  // What stands behind a subcommand is that one's, also where the command above it has an option of that name.
  .enablePositionalOptions()
  .showHelpAfterError("Run 'loadline --help' for what it takes.")
  .exitOverride();

for (const command of await commandsFor(process.argv[2])) {
  program.addCommand(settled(command, program, 'loadline'));
}

// Whoever read the output has gone, as 'head' does: the end that SIGPIPE gives to others, and no words.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(128 + constants.signals.SIGPIPE);
  });
}

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : USAGE_ERROR;
}

/** The settings of the command above, for a command and all below it; `words` are typed before its name. */
function settled(command: Command, above: Command, words: string): Command {
  const name = `${words} ${command.name()}`;
  command.copyInheritedSettings(above).showHelpAfterError(`Run '${name} --help' for what it takes.`);
  for (const below of command.commands) settled(below, command, name);
  return command;
}
