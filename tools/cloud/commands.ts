import type { Command } from 'commander';
import { accountCommands } from './account.ts';
import { resourceCommands } from './resources.ts';

/** Every command that asks a cloud. */
export function cloudCommands(): Command[] {
  return [...accountCommands(), ...resourceCommands()];
}
