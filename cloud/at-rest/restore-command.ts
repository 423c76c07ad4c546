import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeWhole } from '@loadline/sdk/platform';
import { takeFolder } from '../store/index.ts';
import { type KeySources, oneKey, openingKey, parseKey } from './database-key.ts';
import { databaseFiles } from './files.ts';
import { type Promotion, promote } from './promote.ts';
import { drillRestore, type Proof, restoreBackup } from './restore.ts';

const usage = `usage: loadline-cloud restore --drill --from BACKUP [--keys DIR|--key-file FILE] [--in DIR] [--json]
       loadline-cloud restore --from BACKUP --keys DIR [--key-file FILE] --state NEWDIR [--json]
       loadline-cloud restore --promote --state DIR [--trust EMAIL]... [--page URL] [--links-file FILE] [--json]

The first form proves a backup: it restores it into a temporary folder, compares every row, the ledgers, checksums
and the audit log with what was backed up, says so, and removes it again. Do it as often as you make backups.

The second makes a new state folder of a backup, and proves it the same way. It is FENCED: a cloud started on it
answers every gateway, browser and program that it is fenced, acknowledges nothing, and is not ready. Gateways keep
what they have. So two clouds never take readings at once.

The third, with the cloud stopped, has the copy take over: be sure that the lost one never comes back. A new
generation begins, which gateways notice. What was revoked since the backup stands in the copy as good, and nobody
can know what that was; so everything that opens something is taken as revoked:
  sessions, links, passwords, second factors       ended; people choose new ones by a link
  memberships, fleet operators, grants             held: an administrator invites each person anew, or removes him
  API tokens, enrolment secrets                    ended; make new ones
  application keys, credentials of devices         off; an administrator switches each on again
  devices                                          off; the same. Gateways keep trying, and keep what they have
  certificates of gateways                         held back; an administrator readmits each, or the gateway enrols anew
Somebody must be let in first: --trust names people who are again what they were, and gets a link for each.

  --from BACKUP      the folder that backup made
  --keys DIR         the folder with database.key, keys.json and authority/, as backup --keys-to made it
  --key-file FILE    the key that the backup opens with, where it is not database.key of --keys
  --state DIR        the state folder: not there yet, or with --promote the restored one
  --in DIR           where the drill has its temporary folder (default ${tmpdir()})
  --trust EMAIL      a person for whom you speak; may be repeated
  --page URL         where people find the page, for the links (default https://localhost:8443)
  --links-file FILE  write the links there instead of to standard error
  --json             one JSON object on standard output

The key may also come from LOADLINE_DATABASE_KEY or the systemd credential loadline-database-key.
Ends with 0 where it was done and everything is as it was backed up, 1 where a drill found something else, 2 where
it could not be done.
`;

interface Io {
  readonly out: { write(text: string): void };
  readonly err: { write(text: string): void };
  readonly now: () => number;
  readonly sources: KeySources;
}

type Values = ReturnType<typeof parse>;

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    options: {
      drill: { type: 'boolean', default: false },
      promote: { type: 'boolean', default: false },
      from: { type: 'string' },
      keys: { type: 'string' },
      'key-file': { type: 'string' },
      state: { type: 'string' },
      in: { type: 'string', default: tmpdir() },
      trust: { type: 'string', multiple: true, default: [] },
      page: { type: 'string', default: 'https://localhost:8443' },
      'links-file': { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  }).values;
}

/** Runs `loadline-cloud restore` with the arguments after it; the code to exit with. */
export async function restoreCommand(args: readonly string[], io: Io): Promise<number> {
  try {
    const values = parse(args);
    if (values.help) {
      io.out.write(usage);
      return 0;
    }
    if (values.drill && values.promote) throw new Error('--drill and --promote are two things: choose one');
    if (values.promote) return await takeOver(values, io);
    return await bringBack(values, io);
  } catch (error) {
    io.err.write(`loadline-cloud: ${(error as Error).message}\n`);
    return 2;
  }
}

async function bringBack(values: Values, { out, err, sources }: Io): Promise<number> {
  const { from, keys, state, json } = values;
  if (from === undefined) throw new Error('--from is missing: which backup?');
  const { key, keepKey } = keyOf(values, sources);
  const told = (step: 'copy' | 'survey') =>
    void err.write(step === 'copy' ? 'copying\n' : 'reading all of it, and comparing\n');
  if (values.drill) {
    const { manifest, proofs } = await drillRestore({ from, key, told, within: values.in });
    tell(proofs, { out, json, about: { backup: from, made: manifest.made } });
    const good = proofs.every(({ wrong }) => wrong.length === 0);
    if (!json) out.write(good ? `the backup of ${manifest.made} is good\n` : 'THIS BACKUP IS NOT GOOD\n');
    return good ? 0 : 1;
  }
  if (state === undefined) throw new Error('--state is missing: where shall the restored cloud be?');
  if (keys === undefined)
    throw new Error('--keys is missing: where are keys.json and authority/ of this cloud?');
  const { manifest, proofs } = await restoreBackup({ from, key, told, state, keys, keepKey });
  tell(proofs, { out, json, about: { state, made: manifest.made } });
  if (!json) {
    out.write(
      `${state} is as it was at ${manifest.made}, and fenced: loadline-cloud restore --promote --state ${state}\n`,
    );
  }
  return 0;
}

function tell(
  proofs: readonly Proof[],
  { out, json, about }: { out: Io['out']; json: boolean; about: Readonly<Record<string, string>> },
): void {
  if (json) {
    out.write(
      `${JSON.stringify({ ...about, good: proofs.every(({ wrong }) => wrong.length === 0), proofs })}\n`,
    );
    return;
  }
  for (const { what, wrong } of proofs) {
    out.write(wrong.length === 0 ? `ok   ${what}\n` : `NOT  ${what}: ${wrong.join('; ')}\n`);
  }
}

/** The key that opens the backup; `keepKey`: whether the cloud gets it by no other way than its state folder. */
function keyOf(values: Values, sources: KeySources): { key: string; keepKey: boolean } {
  const { keys, 'key-file': file } = values;
  if (file !== undefined) return { key: parseKey(readFileSync(file, 'utf8'), file), keepKey: true };
  const found = oneKey(sources, keys === undefined ? undefined : databaseFiles(keys).key);
  if (found !== undefined) return { key: found.key, keepKey: found.place === 'file' };
  throw new Error(
    'there is no key: name the folder of the keys (--keys) or a file that holds it (--key-file)',
  );
}

async function takeOver(values: Values, { out, err, now, sources }: Io): Promise<number> {
  const { state, trust, page, json, 'links-file': linksFile } = values;
  if (state === undefined) throw new Error('--state is missing: which restored copy?');
  const { database: file } = databaseFiles(state);
  if (!existsSync(file)) throw new Error(`${state} is not the state folder of a cloud: ${file} is missing`);
  const leave = takeFolder(state);
  let promotion: Promotion;
  try {
    const key = await openingKey(state, sources);
    promotion = await promote({ database: { file, key }, trusted: trust, page, now: now() });
  } finally {
    leave();
  }
  const { fleet, ended, links } = promotion;
  const told = links
    .map(({ email, link }) => `${email} chooses a password, within seven days: ${link}\n`)
    .join('');
  if (linksFile !== undefined) await writeWhole(linksFile, told, 0o600);
  else err.write(told);
  if (json) out.write(`${JSON.stringify({ state: join(state), ...fleet, ended })}\n`);
  else {
    out.write(
      `generation ${fleet.counter}, ${fleet.generation}, begins; what opened anything before opens nothing now:\n`,
    );
    for (const [what, count] of Object.entries(ended))
      out.write(`  ${endingWords[what] ?? what}: ${count}\n`);
    if (links.length === 0) {
      out.write(
        'Nobody was named with --trust: an operator and an administrator must get in by another way.\n',
      );
    }
  }
  return 0;
}

const endingWords: Readonly<Record<string, string>> = {
  sessions: 'sessions ended',
  links: 'links ended',
  passwordsAndFactors: 'people whose password and second factor ended',
  recoveryCodesUnused: 'recovery codes ended',
  votes: 'votes on lost second factors ended',
  grants: 'grants ended',
  operators: 'fleet operators ended, before those who are trusted',
  membershipsHeld: 'memberships held until somebody invites anew, before those who are trusted',
  apiTokensRevoked: 'API tokens revoked',
  applicationKeysOff: 'application keys switched off',
  deviceCredentialsOff: 'credentials of devices switched off',
  devicesOff: 'devices switched off',
  rolloutsPaused: 'rollouts of releases paused',
  certificatesHeld: 'certificates of gateways held back until somebody readmits them',
  enrolments: 'enrolment secrets ended',
};
