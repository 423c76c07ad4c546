import { accountingCommand } from './accounting-command.ts';
import { backupCommand, type KeySources, rekeyCommand, restoreCommand } from './at-rest/index.ts';
import { auditCommand } from './audit/index.ts';
import { authorityCommand } from './authority-command.ts';
import { keysCommand } from './keys-command.ts';
import { ledgerCommand } from './ledger-command.ts';
import { releasesCommand } from './releases-command.ts';

/** Where a command writes, and what it was given beside its arguments. */
export interface CommandIo {
  readonly out: { write(text: string): void };
  readonly err: { write(text: string): void };
  /** ms since 1970. */
  readonly now: () => number;
  readonly sources: KeySources;
}

/** What there is to be done on a state folder; each gets the arguments after its name, and answers what to exit with. */
const stateCommands = {
  accounting: accountingCommand,
  audit: auditCommand,
  authority: authorityCommand,
  backup: backupCommand,
  keys: keysCommand,
  ledger: ledgerCommand,
  rekey: rekeyCommand,
  releases: releasesCommand,
  restore: restoreCommand,
} as const satisfies Record<string, (args: readonly string[], io: CommandIo) => Promise<number>>;

/** What they do, for a list of them. */
export const stateCommandWords: Readonly<Record<keyof typeof stateCommands, string>> = {
  accounting: 'add up the records of sessions again, and compare that with what is kept as used',
  audit: 'verify the audit log',
  authority: "look after the fleet's authority: requests, installation, rotation",
  backup: 'copy the database, of a cloud at work or not, into a folder',
  ledger: 'check the accounts of devices against what is stored',
  keys: 'list, rotate or replace the keys of tokens, second factors and application secrets',
  rekey: 'encrypt the database with another key',
  releases: 'show or rotate the keys by which the cloud signs which releases are the newest',
  restore: 'prove a backup, make a cloud of it, and have that take over',
};

/** The command of this name; undefined where there is none. */
export function stateCommand(
  name: string | undefined,
): ((args: readonly string[], io: CommandIo) => Promise<number>) | undefined {
  return name !== undefined && Object.hasOwn(stateCommands, name)
    ? stateCommands[name as keyof typeof stateCommands]
    : undefined;
}
