import { readFileSync } from 'node:fs';
import { codes } from '@loadline/sdk/contract';
import fc from 'fast-check';
import { type Answer, Caller, freshAddress } from '../../inhabited/caller.ts';
import type { Site } from '../../inhabited/site.ts';
import { blockOf } from '../../isolation/place.ts';
import { type FuzzedRequest, type KnownIds, requests } from './requests.ts';

/** What a run found. `faults`: answers that no client may ever get, each with its request. */
export interface FuzzRun {
  readonly requests: number;
  readonly seed: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly faults: readonly string[];
  /** Chains of the audit log and accounts of devices that are not whole any more. */
  readonly broken: readonly string[];
  /** Resident memory of the cloud, MiB. */
  readonly memory: { readonly before: number; readonly after: number; readonly most: number };
  readonly seconds: number;
}

/** Requests made at a time. */
const chunk = 100;

/** Requests that one address sends: fewer than the cloud takes of one in a minute. */
const eachAddress = 40;

/** Sends so many requests, drawn by `seed`, to a cloud that people live in, and looks at every answer. */
export async function fuzz(
  site: Site,
  options: { readonly requests: number; readonly seed: number; readonly say?: (text: string) => void },
): Promise<FuzzRun> {
  const { requests: count, seed, say = () => {} } = options;
  const known = await knownIds(site);
  const arbitrary = requests(known);
  const { pid } = site.cloud.service;
  const statuses: Record<string, number> = {};
  const faults: string[] = [];
  const before = { memory: memoryOf(pid), accounts: await accounts(site) };
  let most = before.memory;
  const begun = performance.now();
  for (let sent = 0; sent < count && faults.length < 20; sent += chunk) {
    const drawn = fc.sample(arbitrary, { numRuns: Math.min(chunk, count - sent), seed: seed + sent });
    const queue = drawn.entries();
    const lane = async () => {
      let callers = callersOf(site);
      let used = 0;
      for (const [at, one] of queue) {
        if (++used % eachAddress === 0) {
          close(callers);
          callers = callersOf(site);
        }
        const fault = await send(callers, one, statuses);
        if (fault !== undefined) faults.push(`seed ${seed + sent}, request ${at}: ${fault}`);
      }
      close(callers);
    };
    await Promise.all([1, 2, 3, 4].map(lane));
    await stay(site);
    most = Math.max(most, memoryOf(pid));
    if (sent % 1000 === 0) say(`${sent} requests, ${JSON.stringify(statuses)}`);
  }
  return {
    requests: Object.values(statuses).reduce((sum, one) => sum + one, 0),
    ...{ seed, statuses, faults },
    broken: await broken(site, before.accounts),
    memory: { before: before.memory, after: memoryOf(pid), most },
    seconds: (performance.now() - begun) / 1000,
  };
}

/** What a caller sent last: a connection that a request has spoilt shows with the next one. */
const last = new WeakMap<Caller, string>();

type Callers = Record<FuzzedRequest['who'], Caller>;

function callersOf({ cloud, chief }: Site): Callers {
  const administrator = new Caller({ cloud, address: freshAddress(), connections: 1 });
  if (chief.caller.session !== undefined) administrator.session = chief.caller.session;
  return { administrator, nobody: new Caller({ cloud, address: freshAddress(), connections: 1 }) };
}

function close({ administrator, nobody }: Callers): void {
  administrator.close();
  nobody.close();
}

/** Logs in again where something that was sent ended the session. */
async function stay({ chief }: Site): Promise<void> {
  const { status } = await chief.caller.call('getCaller', {});
  if (status === 200) return;
  await chief.caller.get('logIn', { body: { email: chief.email, password: chief.password } });
}

async function send(
  callers: Callers,
  { operation, who, call }: FuzzedRequest,
  statuses: Record<string, number>,
): Promise<string | undefined> {
  const caller = callers[who];
  const usual = { ...caller.proof, origin: `https://${caller.host}` };
  const request = { ...call, headers: { ...usual, ...call.headers } };
  const told = () =>
    `${who} ${operation}: ${call.method} ${call.path.slice(0, 300)} ${JSON.stringify(call.headers).slice(0, 300)} ${Buffer.from(
      call.body ?? '',
    )
      .toString()
      .slice(0, 500)}`;
  let answer: Answer;
  try {
    answer = await caller.send(request);
  } catch (error) {
    return `${(error as Error).message}: ${told()}; before it: ${last.get(caller)}`;
  }
  last.set(caller, `${told()} -> ${answer.status}`);
  statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
  const fault = faultOf(answer, call.method);
  return fault && `${fault}: ${told()} -> ${answer.status} ${answer.body.slice(0, 300)}`;
}

/** What is wrong with an answer, whatever was asked; undefined where nothing is. */
function faultOf({ status, headers, body }: Answer, method: string): string | undefined {
  if (status >= 500) return 'a fault of the cloud';
  if (status < 400 || method === 'HEAD') return undefined;
  if (!String(headers['content-type']).startsWith('application/problem+json'))
    return 'a refusal that is no problem';
  let problem: { code?: string; status?: number; detail?: string; type?: string };
  try {
    problem = JSON.parse(body) as typeof problem;
  } catch {
    return 'a problem that is no JSON';
  }
  if (!Object.hasOwn(codes, problem.code ?? '')) return 'a problem without a known code';
  if (problem.status !== status) return 'a problem of another status';
  if (/\/(node_modules|work|home|cloud)\/|\.ts:\d|at .*\(/.test(problem.detail ?? ''))
    return 'a problem that shows the inside';
  return undefined;
}

async function knownIds(site: Site): Promise<KnownIds> {
  const { first, other, people, delivered } = site;
  // Mostly of one organisation, so that most requests come as far as a handler.
  const homes = [first, first, first, first, other];
  const { items } = await site.chief.caller.get('listOwnSessions', {});
  return {
    organisation: ['first', 'first', 'first', 'first', 'first', 'first', 'other', 'nowhere'],
    device: homes.flatMap(({ devices }) => Object.values(devices)),
    role: [...homes.map(({ role }) => role), 'viewer', 'administrator'],
    user: [
      ...homes.flatMap(({ members }) => Object.values(members)),
      ...Object.values(people).map(({ id }) => id),
    ],
    department: homes.flatMap(({ departments }) => Object.values(departments)),
    customer: homes.flatMap(({ customers }) => Object.values(customers)),
    grant: homes.map(({ grant }) => grant),
    token: homes.map(({ token }) => token),
    application: homes.map(({ application }) => application),
    key: homes.map(({ key }) => key),
    command: homes.map(({ command }) => command),
    block: [await blockOf(site)],
    session: items.map(({ id }) => id),
    epoch: Object.values(delivered).map(({ epoch }) => epoch),
    series: ['1000', '2000', '1000.mean'],
  };
}

/** The accounts of the devices that have sent something. */
async function accounts({ chief, first }: Site): Promise<string[]> {
  return await Promise.all(
    Object.values(first.devices).map(async (device) => {
      const { deliveries, readings, epochs } = await chief.caller.get('getLedger', {
        organisation: first.id,
        device,
      });
      return JSON.stringify({ device, deliveries, readings, epochs });
    }),
  );
}

async function broken(site: Site, before: readonly string[]): Promise<string[]> {
  const { chief, first } = site;
  const after = await accounts(site);
  const chains = [
    ['first', await chief.caller.get('verifyAudit', { organisation: first.id })],
    ['the fleet', await chief.caller.get('verifyFleetAudit', {})],
  ] as const;
  return [
    ...after
      .filter((one) => !before.includes(one))
      .map((one) => `the account of a device has changed: ${one}`),
    ...chains.flatMap(([name, { broken }]) =>
      broken === null ? [] : [`the audit log of ${name}: ${broken.why}`],
    ),
  ];
}

/** Resident memory of a process, MiB. */
function memoryOf(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Math.round(Number(kibibytes) / 1024);
}
