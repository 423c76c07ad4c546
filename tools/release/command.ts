import { Command } from 'commander';
import { buildCommand } from '../release-build/command.ts';
import { floorCommand } from './floor.ts';
import { initCommand } from './init.ts';
import { keyCommand } from './key.ts';
import { publishCommand } from './publish.ts';
import { renewCommand } from './renew.ts';
import { rotateCommand } from './rotate.ts';
import { showCommand } from './show.ts';
import { signCommand } from './sign.ts';
import { signRootCommand } from './sign-root.ts';
import { verifyCommand } from './verify.ts';
import { withdrawCommand } from './withdraw.ts';

/** What `loadline release` can do, each in a file of its own, in the order of a release's life. */
const subcommands: readonly (() => Command)[] = [
  buildCommand,
  keyCommand,
  initCommand,
  signRootCommand,
  rotateCommand,
  signCommand,
  withdrawCommand,
  floorCommand,
  renewCommand,
  showCommand,
  verifyCommand,
  publishCommand,
];

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
