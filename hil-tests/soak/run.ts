import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as elapsed } from 'node:timers/promises';
import { readReadings } from '@loadline/cloud';
import { until } from '../rig/index.ts';
import { SeededRandom } from '../rig/random.ts';
import { assertBalanced } from '../scenarios/site.ts';
import { type Fault, networkFaults, radioFaults } from './faults.ts';
import { growth, type Programs, programs } from './held.ts';
import { judgeClient, judgeLoad, type LoadVerdict } from './judge.ts';
import { Load } from './load.ts';
import { Looker } from './looker.ts';
import { memoryPlot } from './plot.ts';
import { inUseBy, type Sample, samplesCsv, takenBy } from './samples.ts';
import { gatewayId, healed, SoakSite, tags } from './site.ts';

export interface SoakOptions {
  readonly minutes: number;
  readonly seed: number;
  /** Folder of what comes of it: samples, plot, logs; and the programs' own folders while it runs. */
  readonly out: string;
  readonly say: (text: string) => void;
  readonly signal: AbortSignal;
}

export interface SoakRun extends Programs {
  readonly seconds: number;
  readonly seed: number;
  /** How often each was carried out. */
  readonly faults: Readonly<Record<string, number>>;
  readonly load: LoadVerdict;
  readonly clients: Readonly<Record<string, ReturnType<typeof judgeClient>>>;
  readonly looker: Looker['counts'];
  /** Links that the gateway made. */
  readonly connections: number;
  /** How often the gateway lost its port. */
  readonly closings: number;
  readonly ledgers: Readonly<Record<string, object>>;
  /** What must not be. */
  readonly wrong: readonly string[];
}

/** Frames a second: a third of what a line of 115200 baud carries. */
const framesPerSecond = 240;
/** Milliseconds that a fault lasts, and that all is well between two of them. */
const lastsMs = [2_000, 15_000] as const;
const restMs = [2_000, 12_000] as const;
/** Milliseconds in which everything has come once all is well: a backoff of several failures, and the backlog. */
const drainMs = 180_000;
/** Runs both programs under load and faults, lets everything drain, and judges what they took and what they stored. */
export async function soak({ minutes, seed, out, say, signal }: SoakOptions): Promise<SoakRun> {
  await mkdir(out, { recursive: true });
  const site = await SoakSite.open(join(out, 'site'), seed);
  const load = new Load(site.line, tags);
  const looker = new Looker(site.cloud);
  const samples: Sample[] = [];
  const faults: Record<string, number> = {};
  const inForce = new Set<string>();
  const wrong: string[] = [];
  const began = performance.now();
  const endsAt = began + minutes * 60_000;
  const isOver = () => performance.now() >= endsAt || signal.aborted || site.dead !== undefined;
  const sample = async () => {
    if (site.dead !== undefined) return;
    const taken = {
      seconds: (performance.now() - began) / 1000,
      gateway: takenBy(site.gateway.pid),
      cloud: takenBy(site.cloud.service.pid),
      held: site.progress.held,
      faults: [...inForce],
    };
    samples.push({ ...taken, inUse: await inUseBy(site.metricsUrl) });
  };
  // One that is not answered is left out; why, the end will say.
  const sampling = setInterval(
    () => void sample().catch(() => undefined),
    Math.min(5000, Math.max(500, minutes * 1000)),
  );
  const lane = async (drawn: readonly Fault[], random: SeededRandom) => {
    const whole = (bounds: readonly [number, number]) => random.integer(bounds[0], bounds[1]);
    // Each once, in an order of its own, before any comes again.
    for (let deck: Fault[] = []; ; ) {
      await elapsed(Math.min(whole(restMs), Math.max(0, endsAt - performance.now())));
      if (isOver()) return;
      if (deck.length === 0) deck = shuffled(drawn, random);
      const fault = deck.pop() as Fault;
      faults[fault.name] = (faults[fault.name] ?? 0) + 1;
      inForce.add(fault.name);
      await fault.carryOut(site, random, whole(lastsMs));
      inForce.delete(fault.name);
    }
  };
  const telling = setInterval(() => say(told(samples.at(-1), load.count)), 60_000);
  try {
    load.start(framesPerSecond);
    looker.start();
    for (const client of site.clients) client.start();
    await Promise.all([
      lane(networkFaults, new SeededRandom(seed)),
      lane(radioFaults, new SeededRandom(seed + 1)),
    ]);
    await healed(site);
    await load.stop();
    await drained(site);
    clearInterval(sampling);
    await sample();
    await Promise.all([looker.stop(), ...site.clients.map((client) => client.stop())]);
    const ledgers = await accounts(site, wrong);
    const connections = site.gateway.log.filter(({ event }) => event === 'uplink-connected').length;
    await site.stop();
    wrong.push(...complaints(site));
    const verdict = judgeLoad(readingsOf(site, gatewayId), { ...sentBy(load), doubts: site.doubts });
    const clients = Object.fromEntries(
      site.clients.map(({ device, acknowledged }) => [
        device,
        judgeClient(readingsOf(site, device), acknowledged),
      ]),
    );
    const held = programs(samples);
    wrong.push(...misses(verdict, clients), ...growth(held));
    await writeFile(join(out, 'samples.csv'), samplesCsv(samples));
    await writeFile(join(out, 'memory.svg'), memoryPlot(samples));
    const run: SoakRun = {
      seconds: Math.round((performance.now() - began) / 1000),
      ...{ seed, faults, load: verdict, clients, looker: looker.counts, connections },
      closings: site.closings,
      ...{ ledgers, ...held, wrong },
    };
    await writeFile(join(out, 'figures.json'), `${JSON.stringify(run, null, 2)}\n`);
    if (wrong.length === 0) await rm(site.folder, { recursive: true });
    return run;
  } catch (error) {
    const dead = site.dead && `; the ${site.dead.name} ended by itself: ${site.dead.errors.trim()}`;
    throw new Error(`${(error as Error).message}${dead ?? ''}`, { cause: error });
  } finally {
    clearInterval(sampling);
    clearInterval(telling);
    // After a failure they would go on for ever, and this process with them.
    void load.stop().catch(() => undefined);
    void looker.stop().catch(() => undefined);
    await site.release();
  }
}

function told(sample: Sample | undefined, sent: number): string {
  if (sample === undefined) return `${sent} frames`;
  const { seconds, gateway, cloud, inUse, held, faults } = sample;
  return (
    `${Math.round(seconds / 60)} min: ${sent} frames, ${held} held; gateway ${gateway.memory} MiB, ` +
    `${gateway.descriptors} descriptors; cloud ${cloud.memory} MiB (${inUse} in use), ${cloud.descriptors} descriptors; ` +
    (faults.join(', ') || 'all is well')
  );
}

function shuffled<T>(all: readonly T[], random: SeededRandom): T[] {
  return all
    .map((one) => ({ one, at: random.uniform() }))
    .sort((a, b) => a.at - b.at)
    .map(({ one }) => one);
}

/** Waits until the gateway, which gets nothing new, is connected and holds nothing any more, and has said so. */
async function drained(site: SoakSite): Promise<void> {
  await site.port.drained();
  // What noise looked like the beginning of is given up 250 ms later, and told within two lines of progress.
  const quietAt = performance.now() + 2500;
  await until(
    () => {
      const { at, held, connected } = site.progress;
      return (at > quietAt && connected && held === 0) || site.dead !== undefined;
    },
    { limitMs: drainMs, what: 'the gateway holds nothing any more' },
  );
  if (site.dead !== undefined) throw new Error('given up before anything could be judged');
}

/** Every account of the cloud, after it has heard the gateway's own. */
async function accounts(site: SoakSite, wrong: string[]): Promise<Record<string, object>> {
  const { cloud } = site;
  await cloud.client.logIn({ body: cloud.login });
  const epoch = String((await site.gateway.line('gateway-start')).epoch);
  const ask = { device: gatewayId, epoch };
  const run = await until(
    async () => {
      const { health, stored } = await cloud.organisation.getRun(ask);
      await elapsed(200);
      return health?.readings === stored && health.journal.held === 0 ? { health, stored } : undefined;
    },
    { limitMs: drainMs, what: 'the cloud has stored every reading that the gateway has numbered' },
  ).catch((error: Error) => void wrong.push(error.message));
  if (run !== undefined) {
    try {
      assertBalanced(run.health);
    } catch (error) {
      wrong.push(`the gateway's account does not balance: ${(error as Error).message}`);
    }
    const { dropped, disk } = run.health.journal;
    if (dropped > 0 || disk !== 'good') wrong.push(`the journal dropped ${dropped}, its disk is ${disk}`);
  }
  const devices = [gatewayId, ...site.clients.map(({ device }) => device)];
  const ledgers: Record<string, object> = {};
  for (const device of devices) {
    const { deliveries, readings, epochs } = await cloud.organisation.getLedger({ device });
    ledgers[device] = { deliveries, readings };
    for (const [what, { received, stored, duplicate, rejected }] of Object.entries({
      deliveries,
      readings,
    })) {
      if (received !== stored + duplicate + rejected || rejected !== 0) {
        wrong.push(`the ${what} of ${device}: ${JSON.stringify({ received, stored, duplicate, rejected })}`);
      }
    }
    const gaps = epochs.flatMap((one) => one.gaps);
    if (gaps.length > 0) wrong.push(`gaps of ${device}: ${JSON.stringify(gaps)}`);
  }
  const { broken } = await cloud.organisation.verifyAudit();
  if (broken !== null) wrong.push(`the audit log: ${broken.why}`);
  return ledgers;
}

/** What the programs said that they should have no reason to say. One of a kind is enough. */
function complaints({ gateway, cloud }: SoakSite): string[] {
  const all = [gateway, cloud.service].flatMap(({ name, log, errors, end }) => [
    ...log
      .filter(({ level }) => level === 'error')
      .map(({ at: _, ...line }) => `in the log of the ${name}: ${JSON.stringify(line)}`),
    ...(errors === '' ? [] : [`the ${name} on standard error: ${errors}`]),
    ...(end?.code === 0 ? [] : [`the ${name} ended with ${JSON.stringify(end)}`]),
  ]);
  return [...new Set(all)];
}

function sentBy(load: Load) {
  return { written: load.written, count: load.count, tagOf: (value: number) => load.tagOf(value) };
}

function* readingsOf({ folder }: SoakSite, device: string) {
  for (const one of readReadings(join(folder, 'cloud'))) if (one.device === device) yield one;
}

function misses(
  { lost, twice, foreign, outOfOrder }: LoadVerdict,
  clients: SoakRun['clients'],
): readonly string[] {
  const load = { lost, twice, foreign, outOfOrder };
  return [
    ...Object.entries(load).flatMap(([what, count]) => (count === 0 ? [] : [`${count} readings: ${what}`])),
    ...Object.entries(clients).flatMap(([device, verdict]) =>
      verdict.lost + verdict.twice === 0 ? [] : [`${device}: ${JSON.stringify(verdict)}`],
    ),
  ];
}
