import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { isExposed, makePrivateFolder, readIfThere, writeWhole } from '@loadline/sdk/platform';
import * as z from 'zod';
import { CalledWrongly } from './outcome.ts';

const content = z.strictObject({
  version: z.literal(1),
  url: z.url({ protocol: /^https$/ }),
  /** PEM; null where the system's authorities are trusted. */
  authority: z.string().nullable(),
  /** Who logged in last. */
  email: z.string(),
  cookies: z.record(z.string(), z.string()),
});

/** Where somebody last logged in, and the session that was opened there. */
export type Session = Omit<z.infer<typeof content>, 'version'>;

type Environment = Readonly<Record<string, string | undefined>>;

/** Where the session is kept (XDG Base Directory Specification). */
export function sessionPath(env: Environment): string {
  const folder = env.XDG_CONFIG_HOME || join(env.HOME ?? homedir(), '.config');
  return join(folder, 'loadline', 'session.json');
}

/** The session that is kept; undefined where nobody has logged in. @throws CalledWrongly where the file is not to be used */
export async function readSession(path: string): Promise<Session | undefined> {
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  if (await isExposed(path)) {
    throw new CalledWrongly(`${path} can be read by others, and whoever reads it is logged in: chmod 600 it`);
  }
  const found = content.safeParse(parseJson(text));
  if (!found.success)
    throw new CalledWrongly(`${path} is not as it was written: remove it, and log in again`);
  const { version: _, ...session } = found.data;
  return session;
}

/** Keeps a session, in a file and a folder of its owner's alone. */
export async function writeSession(path: string, session: Session): Promise<void> {
  await makePrivateFolder(dirname(path));
  await writeWhole(path, `${JSON.stringify({ version: 1, ...session }, null, 2)}\n`, 0o600);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
