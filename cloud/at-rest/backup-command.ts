import { existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { copyKeys, makeBackup } from './backup.ts';
import { heldKey, type KeySources, parseKey } from './database-key.ts';
import { databaseFiles } from './files.ts';

const usage = `usage: loadline-cloud backup --state DIR --to DIR [--key-file FILE] [--keys-to DIR] [--json]

Copies the database of a cloud, at work or not, into a new folder: consistent, encrypted, with a manifest of what is
in it. A cloud at work goes on taking readings; its log stays as small as it is.

  --state DIR      the cloud's state folder; be its user
  --to DIR         the folder that becomes the backup: not there yet, or empty. It appears when it is whole
  --key-file FILE  encrypt the copy with this key, 64 hexadecimal digits, instead of the cloud's own
  --keys-to DIR    also copy what opens it, into a folder of its own for another place: database.key, keys.json,
                   authority/. Who has both folders has everything; who lacks this one has ciphertext
  --json           the manifest on standard output, as one line

Progress is on standard error. The backup says in manifest.json when it was made, how many rows each table has and
their digests, the sums of the ledgers, the ends of the audit log, and which keys it needs. A restore begins fenced:
see restore --help. Prove a backup now and then: loadline-cloud restore --drill --from DIR.

Ends with 0 where the backup is whole and on disk, 2 where there is none.
`;

interface Io {
  readonly out: { write(text: string): void };
  readonly err: { write(text: string): void };
  readonly now: () => number;
  readonly sources: KeySources;
}

/** Runs `loadline-cloud backup` with the arguments after it; the code to exit with. */
export async function backupCommand(args: readonly string[], io: Io): Promise<number> {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        state: { type: 'string' },
        to: { type: 'string' },
        'key-file': { type: 'string' },
        'keys-to': { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) {
      io.out.write(usage);
      return 0;
    }
    const { state, to, 'key-file': keyFile, 'keys-to': keysTo } = values;
    if (state === undefined) throw new Error('--state is missing: the backup of what?');
    if (to === undefined) throw new Error('--to is missing: where shall the backup be?');
    const { database } = databaseFiles(state);
    if (!existsSync(database)) {
      throw new Error(`${state} is not the state folder of a cloud: ${database} is missing`);
    }
    // What is told first is what opens the backup: a backup without it would be worth nothing.
    if (keysTo !== undefined) await copyKeys(state, keysTo, to);
    const manifest = await makeBackup({
      state,
      to,
      key: heldKey(state, io.sources),
      copyKey: keyFile === undefined ? undefined : parseKey(readFileSync(keyFile, 'utf8'), keyFile),
      now: io.now,
      told: progress(io.err),
    });
    if (values.json) io.out.write(`${JSON.stringify(manifest)}\n`);
    else {
      const rows = Object.values(manifest.survey.tables).reduce((sum, table) => sum + table.rows, 0);
      io.out.write(`${to}: ${manifest.database.bytes} bytes, ${rows} rows, of ${manifest.made}\n`);
      for (const line of manifest.inside) io.out.write(`  ${line}\n`);
    }
    return 0;
  } catch (error) {
    io.err.write(`loadline-cloud: ${(error as Error).message}\n`);
    return 2;
  }
}

const words = {
  copy: 'copied',
  rekey: 'encrypting with the other key',
  survey: 'reading all of it again',
} as const;

/** Says each whole tenth of what is done. */
function progress(err: { write(text: string): void }) {
  let said = '';
  return (step: keyof typeof words, done: number, of: number) => {
    const tenth = of === 0 ? 10 : Math.floor((done / of) * 10);
    const line = step === 'copy' ? `${words.copy} ${tenth * 10} % of ${of} bytes` : words[step];
    if (line !== said) err.write(`${line}\n`);
    said = line;
  };
}
