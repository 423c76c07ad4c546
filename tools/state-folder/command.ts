import { stateCommand, stateCommandWords, takeKeySources } from '@loadline/cloud';
import { Command } from 'commander';

/** `loadline cloud …`: what is to be done on the state folder of a cloud, on its own machine. */
export function cloudCommand(): Command {
  const cloud = new Command('cloud').description(
    "work on the state folder of a cloud, on its own machine, as the cloud's user: the authority, keys, backups, the audit log",
  );
  for (const [name, words] of Object.entries(stateCommandWords)) {
    const one = cloud.command(name);
    // Its arguments are the cloud's own, and so is its help: what the commands above say of help is not for it.
    one.copyInheritedSettings = () => one;
    one
      .description(words)
      .helpOption(false)
      .allowUnknownOption()
      .argument('[arguments...]', `as loadline-cloud ${name} takes them: --help tells them`)
      .action(async (args: string[]) => {
        const run = stateCommand(name);
        if (run === undefined) throw new Error(`there is no command ${name}`);
        // Whatever it makes is its owner's alone: copies, keys, links.
        process.umask(0o077);
        const { stdout: out, stderr: err } = process;
        const sources = takeKeySources(process.env);
        process.exitCode = await run(args, { out, err, sources, now: () => Date.now() });
      });
  }
  return cloud;
}
