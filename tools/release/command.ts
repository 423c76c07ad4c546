import { Command } from 'commander';
import { buildCommand } from '../release-build/command.ts';

/** What `loadline release` can do, each in a file of its own, in the order of a release's life. */
const subcommands: readonly (() => Command)[] = [buildCommand];

/** `loadline release`: releases of the gateway, from the sources to a signed repository. */
export function releaseCommand(): Command {
  const release = new Command('release').description(
    'build releases of the gateway, sign them, and keep the repository that gateways update themselves from',
  );
  for (const subcommand of subcommands) release.addCommand(subcommand());
  return release.addHelpText(
    'after',
    `
What a person does, step by step, is in docs/releases.md.
Exit codes: 0 done, 1 refused or failed, 2 called wrongly.`,
  );
}
