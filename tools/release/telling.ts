import { fingerprintInGroups } from '@loadline/sdk/identity';
import {
  keyIdOf,
  type MissingSignatures,
  type RoleKeys,
  type RoleName,
  type RootSummary,
  roleNames,
} from '@loadline/sdk/release/repository';
import { type Command, InvalidArgumentError } from 'commander';
import { iso } from '../ca/ceremony.ts';

/** Flags of all that opens keys. */
export interface KeyFlags {
  readonly folder: string;
  readonly passphraseFile?: string;
  readonly json: boolean;
}

export function withKeys(command: Command): Command {
  return command
    .requiredOption('--folder <dir>', 'the folder of the keys, such as on a stick that is locked away')
    .option('--passphrase-file <file>', 'their passphrase; asked for, for each, where it is left out')
    .option('--json', 'one line of JSON on standard output', false);
}

/** Flags of what a person has to compare. */
export function withComparison(command: Command): Command {
  return command.option(
    '--expect <id...>',
    'ids of the keys that are to sign, where nobody is at a terminal to compare them',
    (text: string, before: string[] = []) => [...before, keyId(text)],
  );
}

function keyId(text: string): string {
  const digits = text.replace(/[\s:]/g, '').toLowerCase();
  if (/^[0-9a-f]{64}$/.test(digits)) return digits;
  throw new InvalidArgumentError('not a whole id: 64 hex digits, with spaces or colons or without');
}

/** Thresholds as they are typed: `root=2`. */
export function threshold(
  text: string,
  before: Partial<Record<RoleName, number>> = {},
): Partial<Record<RoleName, number>> {
  const [, role, count] = /^(root|targets|snapshot|timestamp)=([1-9]\d?)$/.exec(text) ?? [];
  if (role === undefined)
    throw new InvalidArgumentError('give a role and how many of its keys must sign: root=2');
  return { ...before, [role]: Number(count) };
}

/** What a root says, in lines. */
export function rootLines({ version, expires, roles }: RootSummary): string[] {
  return [
    `root ${version}, until ${iso(expires)}`,
    ...roleNames.flatMap((role) => roleLines(role, roles[role])),
  ];
}

function roleLines(role: RoleName, { keys, threshold: most }: RoleKeys): string[] {
  const ids = keys.map((key) => `    ${fingerprintInGroups(keyIdOf(key))}`);
  return [`  ${role}: ${most} of ${keys.length}`, ...ids];
}

/** The keys of a root, each once. */
export function keyIdsOf({ roles }: RootSummary): string[] {
  return [...new Set(roleNames.flatMap((role) => roles[role].keys.map(keyIdOf)))];
}

export function missingLines(missing: readonly MissingSignatures[]): string[] {
  return missing.map(({ of, missing: count, keyIds }) => {
    const whose = of === 'before' ? 'of the root before' : 'of its own root keys';
    return `${count} more ${whose} must sign it: ${keyIds.map((id) => id.slice(0, 8)).join(', ')}`;
  });
}

/** A root for programs. */
export function rootAnswer({ version, expires, roles }: RootSummary) {
  const each = (role: RoleName) => ({
    threshold: roles[role].threshold,
    keys: roles[role].keys.map(keyIdOf),
  });
  return {
    version,
    until: iso(expires),
    roles: {
      root: each('root'),
      targets: each('targets'),
      snapshot: each('snapshot'),
      timestamp: each('timestamp'),
    },
  };
}

export function withRepository(command: Command): Command {
  return command.requiredOption(
    '--repository <dir>',
    'the folder of the repository: metadata/, targets/, blobs/',
  );
}

export function tellWritten(tell: (line: string) => void, written: readonly string[]): void {
  tell(written.length === 0 ? 'Nothing was due.' : `Wrote ${written.join(', ')}.`);
}
