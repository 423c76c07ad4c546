import { readFile } from 'node:fs/promises';
import { sessionCookie } from '@loadline/sdk/api';
import { CloudClient, CloudError } from '@loadline/sdk/client';
import { Command } from 'commander';
import { authorityIn, originOf, withCloud } from './connection.ts';
import { attempt, CalledWrongly } from './outcome.ts';
import { askSecret, askText, canAsk } from './prompts.ts';
import { cloudOptions, resource } from './resource.ts';
import { readSession, sessionPath, writeSession } from './session-file.ts';
import { showItem, showItems } from './show.ts';

/** Wrong codes after which a login is given up. */
const mostCodes = 3;

interface LoginFlags {
  readonly url?: string;
  readonly email?: string;
  readonly passwordFile?: string;
  readonly codeFile?: string;
  readonly authority?: string;
}

/** `loadline login`, `logout`, `whoami`, `org`: who one is, and where. */
export function accountCommands(): Command[] {
  return [loginCommand(), logoutCommand(), whoamiCommand(), organisationCommand()];
}

function loginCommand(): Command {
  return new Command('login')
    .description('log in to a cloud; what is not said is asked for')
    .option('--url <address>', 'of the cloud: https://host:port')
    .option('--authority <file>', 'PEM of the authority that its certificate comes from; it is remembered')
    .option('--email <address>', 'of the account')
    .option('--password-file <file>', 'a file with the password')
    .option('--code-file <file>', 'a file with a code of the second factor')
    .addHelpText(
      'after',
      `
No secret is an argument: those can be read by every user of the machine. The session is kept in
$XDG_CONFIG_HOME/loadline/session.json (0600); loadline logout ends it.

Programs need no login: LOADLINE_URL, LOADLINE_TOKEN (an API token), and LOADLINE_AUTHORITY (a file) where the cloud
has an authority of its own.

Exit codes of all that asks a cloud: 0 done, 1 refused by the cloud, 2 called wrongly, 3 not reachable or not logged in.`,
    )
    .action((flags: LoginFlags) => attempt('login', () => logIn(flags)));
}

async function logIn(flags: LoginFlags): Promise<void> {
  const path = sessionPath(process.env);
  const before = await readSession(path).catch(() => undefined);
  const url = originOf(flags.url ?? (await ask('--url', 'Address of the cloud', before?.url)));
  const known = before?.url === url ? before : undefined;
  const authority =
    flags.authority === undefined ? (known?.authority ?? null) : await authorityIn(flags.authority);
  const email = flags.email ?? (await ask('--email', 'E-mail', known?.email));
  const password =
    flags.passwordFile === undefined
      ? await secret('--password-file', 'Password')
      : await firstLine(flags.passwordFile);
  const { [sessionCookie]: _, ...cookies } = known?.cookies ?? {};
  const cloud = new CloudClient({ url, cookies, ...(authority !== null && { authorityPem: authority }) });
  const { state } = await cloud.logIn({ body: { email, password } });
  if (state === 'second-factor') await confirm(cloud, flags.codeFile);
  await writeSession(path, { url, authority, email, cookies: cloud.cookies });
  process.stderr.write(`logged in at ${url} as ${email}\n`);
}

/** Gives the second factor; on a terminal a wrong code may be typed anew. */
async function confirm(cloud: CloudClient, codeFile: string | undefined): Promise<void> {
  for (let tried = 1; ; tried++) {
    const code =
      codeFile === undefined
        ? await secret('--code-file', 'Code of the second factor, or a recovery code')
        : await firstLine(codeFile);
    try {
      await cloud.confirmSecondFactor({ body: { code } });
      return;
    } catch (error) {
      const wrong = error instanceof CloudError && error.code === 'second-factor-refused';
      if (!wrong || codeFile !== undefined || tried === mostCodes) throw error;
      process.stderr.write(`${error.message}\n`);
    }
  }
}

async function ask(flag: string, message: string, usual: string | undefined): Promise<string> {
  if (canAsk()) return await askText(message, usual);
  if (usual !== undefined) return usual;
  throw new CalledWrongly(`${flag} is missing, and there is no terminal to ask at`);
}

async function secret(flag: string, message: string): Promise<string> {
  if (canAsk()) return await askSecret(message);
  throw new CalledWrongly(`${flag} is missing, and there is no terminal to ask at`);
}

/** The first line of a file: an editor puts an end to it. */
async function firstLine(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((error: Error) => {
    throw new CalledWrongly(`it cannot be read: ${error.message}`);
  });
  return text.split(/\r?\n/)[0] ?? '';
}

function logoutCommand(): Command {
  return new Command('logout').description('end the session, at the cloud too').action(() =>
    attempt('logout', async () => {
      const path = sessionPath(process.env);
      const session = await readSession(path);
      if (session?.cookies[sessionCookie] === undefined) {
        process.stderr.write('nobody was logged in\n');
        return;
      }
      const { url, authority, cookies } = session;
      const { [sessionCookie]: _, ...rest } = cookies;
      const cloud = new CloudClient({ url, cookies, ...(authority !== null && { authorityPem: authority }) });
      try {
        await cloud.logOut();
      } finally {
        // Whether or not the cloud has heard of it, this machine has the session no more.
        await writeSession(path, { ...session, cookies: rest });
      }
    }),
  );
}

function whoamiCommand(): Command {
  return cloudOptions(
    new Command('whoami').description('say who is logged in, and what he may do where'),
  ).action((flags: { json: boolean }) =>
    attempt('whoami', () =>
      withCloud(async (cloud) => {
        const caller = await cloud.getCaller();
        if (flags.json) showItem(caller, flags);
        else if (caller.kind === 'token') {
          const { standing, ...token } = caller;
          showItem({ ...token, ...standing }, flags);
        } else {
          const { standings, ...person } = caller;
          showItem(person, flags);
          process.stdout.write('\n');
          showItems(standings.map(standingRow), flags);
        }
      }),
    ),
  );
}

function organisationCommand(): Command {
  const list = cloudOptions(new Command('list').description('List the organisations that you are in'));
  list.action((flags: { json: boolean }) =>
    attempt('org list', () =>
      withCloud(async (cloud) => {
        const caller = await cloud.getCaller();
        const standings = caller.kind === 'token' ? [caller.standing] : caller.standings;
        showItems(standings.map(standingRow), flags);
      }),
    ),
  );
  return resource(
    'org',
    'organisations that you are in',
    [
      { name: 'show', calls: 'getOrganisation' },
      { name: 'ledger', calls: 'getOrganisationLedger' },
      { name: 'set', calls: 'patchOrganisation' },
      { name: 'cut-off', calls: 'cutOffOrganisation', final: true },
    ],
    [list],
  );
}

interface StandingShown {
  readonly organisation: { readonly id: string; readonly name: string };
  readonly role: string;
  readonly reach: string;
  readonly grantedUntil: string | null;
  readonly secondFactorMissing: boolean;
}

function standingRow({ organisation, role, reach, grantedUntil, secondFactorMissing }: StandingShown) {
  return { ...organisation, role, reach, grantedUntil, secondFactorMissing };
}
