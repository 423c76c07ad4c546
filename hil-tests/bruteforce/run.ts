import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Answer, Caller } from '../inhabited/caller.ts';
import { Loot } from '../inhabited/loot.ts';
import { Mails } from '../inhabited/mails.ts';
import { arrive, enter, type Person, type Town } from '../inhabited/person.ts';
import type { CloudProcess } from '../system/index.ts';
import { mannWhitney, type Quantiles, quantiles } from './compare.ts';

/** Who is guessed at: who has a password, who was invited and has none yet, and nobody. */
const classes = ['known', 'invited', 'unknown'] as const;
type Class = (typeof classes)[number];

/** What a run found. */
export interface BruteForceRun {
  readonly attempts: number;
  readonly sources: number;
  readonly accounts: Readonly<Record<Class, number>>;
  /** Answers by status, for each class. */
  readonly statuses: Readonly<Record<Class, Readonly<Record<string, number>>>>;
  /** Attempts whose password was looked at: all that were not held back before. */
  readonly checked: Readonly<Record<Class, number>>;
  /** Each form of an answer that one class got and another did not, times and the seconds to wait left out. */
  readonly differences: readonly string[];
  /** Guesses that got in. */
  readonly entered: number;
  /** Logins of the owner, on his usual device, of an account that is guessed at; and those that were refused. */
  readonly owner: { readonly logins: number; readonly refused: number };
  /** Mails that told of it, by who got them. */
  readonly alarms: Readonly<Record<string, number>>;
  /** ms to the answer, of wrong passwords (401) and of those held back (429), and whether classes can be told apart. */
  readonly times: Readonly<Record<'401' | '429', Timing>>;
  readonly memory: { readonly before: number; readonly after: number; readonly most: number };
  readonly seconds: number;
}

interface Timing {
  readonly of: Readonly<Record<Class, Quantiles>>;
  readonly knownAgainstUnknown: ReturnType<typeof mannWhitney>;
  readonly invitedAgainstUnknown: ReturnType<typeof mannWhitney>;
}

/** Attempts from one address before the next one's turn: each class as often as the others. */
const eachSource = 12;

/** Guesses so many times, from many addresses, at accounts that there are and that there are not. */
export async function bruteForce(
  cloud: CloudProcess,
  options: {
    readonly state: string;
    readonly attempts: number;
    /** Accounts of each class. */
    readonly accounts: number;
    readonly say?: (text: string) => void;
  },
): Promise<BruteForceRun> {
  const { state, attempts, accounts, say = () => {} } = options;
  const town = {
    cloud,
    mails: new Mails(state),
    loot: new Loot(({ kind, value }) => cloud.service.watchFor(value, `a secret: ${kind}`)),
  };
  const chief = await enter(new Caller({ cloud, loot: town.loot }), cloud.login);
  const { targets, owner } = await people(town, chief, accounts);
  const { pid } = cloud.service;
  const before = memoryOf(pid);
  let most = before;
  const begun = performance.now();

  const statuses = of<Record<string, number>>(() => ({}));
  const forms = of(() => new Set<string>());
  const times = { 401: of<number[]>(() => []), 429: of<number[]>(() => []) };
  let [entered, sources, sent] = [0, 0, 0];
  let [logins, refused] = [0, 0];
  const guess = async (caller: Caller, which: Class, email: string) => {
    const body = { email, password: randomBytes(12).toString('base64url') };
    // By itself: what the guesser types is no secret of anybody's.
    const answer = await caller.send({
      method: 'POST',
      path: '/api/v1/session',
      headers: {
        origin: `https://${caller.host}`,
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(JSON.stringify(body))),
      },
      body: JSON.stringify(body),
    });
    const { status, milliseconds } = answer;
    statuses[which][status] = (statuses[which][status] ?? 0) + 1;
    forms[which].add(formOf(answer));
    if (status < 300) entered += 1;
    if (status === 401 || status === 429) times[status][which].push(milliseconds);
  };
  const lane = async () => {
    while (sent < attempts) {
      const caller = new Caller({ cloud, connections: 1 });
      sources += 1;
      for (let turn = 0; turn < eachSource && sent < attempts; turn++) {
        const at = sent++;
        // Each class comes first, second and last as often as the others.
        const which = classes[(at + Math.floor(at / classes.length)) % classes.length] as Class;
        const email = targets[which][Math.floor(at / classes.length) % accounts] as string;
        await guess(caller, which, email);
      }
      caller.close();
    }
  };
  const step = Math.max(1, Math.floor(attempts / 25));
  const watch = async () => {
    for (let next = 0; next < attempts; next += step) {
      while (sent < next) await new Promise((resolve) => setTimeout(resolve, 5));
      const { status } = await owner.caller.call('logIn', {
        body: { email: owner.email, password: owner.password },
      });
      logins += 1;
      if (status !== 200) refused += 1;
      most = Math.max(most, memoryOf(pid));
      say(
        `${sent} attempts, ${JSON.stringify(statuses)}, the owner got in ${logins - refused} of ${logins} times`,
      );
    }
  };
  await Promise.all([lane(), lane(), lane(), lane(), watch()]);
  const seconds = (performance.now() - begun) / 1000;
  // Mails leave a quarter of a second later.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const alarms: Record<string, number> = {};
  for (const { kind, to } of await town.mails.texts()) {
    if (kind === 'guessing-alarm') alarms[to] = (alarms[to] ?? 0) + 1;
  }
  for (const caller of [chief.caller, owner.caller]) caller.close();
  return {
    attempts: sent,
    sources,
    accounts: of((which) => targets[which].length),
    statuses,
    checked: of((which) => statuses[which][401] ?? 0),
    differences: differencesOf(forms),
    entered,
    owner: { logins, refused },
    alarms,
    times: { 401: timingOf(times[401]), 429: timingOf(times[429]) },
    memory: { before, after: memoryOf(pid), most },
    seconds,
  };
}

function of<T>(value: (which: Class) => T): Record<Class, T> {
  return { known: value('known'), invited: value('invited'), unknown: value('unknown') };
}

/** Addresses alike in length and form, of which only the cloud knows which there are; and the owner of one of them. */
async function people(
  town: Town,
  chief: Person,
  count: number,
): Promise<{ targets: Record<Class, string[]>; owner: Person }> {
  const address = () => `${randomBytes(6).toString('hex')}@people.example`;
  const invite = async () => {
    const email = address();
    const body = { email, name: 'A person', role: 'viewer', reach: 'organisation' as const };
    await chief.caller.get('createUser', { organisation: 'first', body });
    return email;
  };
  const known = await Promise.all(Array.from({ length: count }, invite));
  const [owner, ...others] = await Promise.all(known.map((email) => arrive(town, email)));
  for (const { caller } of others) caller.close();
  const invited = await Promise.all(Array.from({ length: count }, invite));
  return {
    targets: { known, invited, unknown: Array.from({ length: count }, address) },
    owner: owner as Person,
  };
}

/** An answer without what may differ from one to the next: the time, what is left of limits, how long to wait. */
function formOf({ status, headers, body }: Answer): string {
  const passing = /^(date|connection|keep-alive|x-ratelimit-(remaining|reset)|retry-after|content-length)$/;
  const names = Object.keys(headers).sort();
  const told = names.filter((name) => !passing.test(name)).map((name) => `${name}: ${headers[name]}`);
  return JSON.stringify([status, names, told, body.replace(/\d+ s\b/, 'N s')]);
}

function differencesOf(forms: Readonly<Record<Class, ReadonlySet<string>>>): string[] {
  const every = new Set(classes.flatMap((which) => [...forms[which]]));
  return [...every].flatMap((form) => {
    const missing = classes.filter((which) => !forms[which].has(form));
    return missing.length === 0 ? [] : [`not of ${missing.join(' and ')}: ${form}`];
  });
}

function timingOf(times: Readonly<Record<Class, readonly number[]>>): Timing {
  return {
    of: of((which) => quantiles(times[which])),
    knownAgainstUnknown: mannWhitney(times.known, times.unknown),
    invitedAgainstUnknown: mannWhitney(times.invited, times.unknown),
  };
}

/** Resident memory of a process, MiB. */
function memoryOf(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Math.round(Number(kibibytes) / 1024);
}
