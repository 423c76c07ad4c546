import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { takeFolder } from '../store/index.ts';
import { findKey, heldKey, type KeySources, parseKey } from './database-key.ts';
import { databaseFiles } from './files.ts';
import { finishRekey, rekey } from './rekey.ts';

const usage = `usage: loadline-cloud rekey --state DIR [--new-key-file FILE]

Encrypts the database with another key. The cloud must not be running; twice the database's size must be free.

  --state DIR           the cloud's state folder
  --new-key-file FILE   the new key, 64 hexadecimal digits; without it one is made. Needed where the key comes
                        from the environment or a systemd credential: give the new one there from then on

It may be broken off at any moment: the folder then opens with the old key or with the new one, and the next
start, or the next rekey, says with which and clears up. Backups keep the key they were made with: keep that
as long as them. The file system may still hold the old file's blocks, and who had the old key could read
them: for a leak, put the folder on another disk and wipe the old one.

Ends with 0 where the new key is in force, 2 where the old one is.
`;

/** Runs `loadline-cloud rekey` with the arguments after it; the code to exit with. */
export async function rekeyCommand(
  args: readonly string[],
  io: {
    readonly out: { write(text: string): void };
    readonly err: { write(text: string): void };
    readonly sources: KeySources;
  },
): Promise<number> {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        state: { type: 'string' },
        'new-key-file': { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) {
      io.out.write(usage);
      return 0;
    }
    const { state, 'new-key-file': file } = values;
    if (state === undefined) throw new Error('--state is missing: whose database?');
    const { database } = databaseFiles(state);
    if (!existsSync(database)) {
      throw new Error(`${state} is not the state folder of a cloud: ${database} is missing`);
    }
    const leave = takeFolder(state);
    try {
      await change(state, file, io);
    } finally {
      leave();
    }
    return 0;
  } catch (error) {
    io.err.write(`loadline-cloud: ${(error as Error).message}\n`);
    return 2;
  }
}

const steps = {
  1: 'the log is brought into the file',
  2: 'a copy is encrypted with the new key',
  3: 'the new key is written beside the old one',
  4: 'the copy takes the place of the database',
  5: 'the new key takes the place of the old one',
  6: 'done',
} as const;

async function change(
  folder: string,
  newKeyFile: string | undefined,
  {
    out,
    err,
    sources,
  }: {
    readonly out: { write(text: string): void };
    readonly err: { write(text: string): void };
    readonly sources: KeySources;
  },
): Promise<void> {
  const recovered = await finishRekey(folder);
  if (recovered === 'new-key')
    err.write('a change that was broken off is complete: its new key is in force\n');
  if (recovered === 'old-key')
    err.write('a change that was broken off is undone: the key from before it is in force\n');
  const old = heldKey(folder, sources);
  const place = findKey(folder, sources)?.place;
  if (place !== 'file' && newKeyFile === undefined) {
    throw new Error(
      `--new-key-file is missing: the key comes from the ${place}, where this command cannot put a new one`,
    );
  }
  const next =
    newKeyFile === undefined
      ? randomBytes(32).toString('hex')
      : parseKey(readFileSync(newKeyFile, 'utf8'), newKeyFile);
  if (next === old) throw new Error('the new key is the old one');
  const inFile = existsSync(databaseFiles(folder).key);
  await rekey(folder, { old, next, where: inFile ? 'file' : 'elsewhere' }, (step) =>
    err.write(`${step}/6 ${steps[step]}\n`),
  );
  out.write(
    place === 'file'
      ? `${databaseFiles(folder).key} holds the new key: copy it to where you keep keys\n`
      : `the database opens with the key of ${newKeyFile} alone: give it to the cloud by the ${place} from now on\n`,
  );
}
