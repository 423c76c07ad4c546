import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as elapsed } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { limits } from '@loadline/sdk/contract';
import { CloudProcess } from '../system/index.ts';
import type { GatewayIdentity } from '../system/mqtt-gateway.ts';
import type { Bench, BenchOptions, BenchRow } from './bench.ts';
import type { IdleOrder, IdleReport } from './connections-load.ts';
import { cpuSecondsOf, percentile, residentOf, rounded } from './figures.ts';
import { makeFleet } from './fleet.ts';
import type { Opening } from './idle-link.ts';

/** Gateways, and of each other kind as many at most. */
const usual = 10_000;
const othersMost = 1000;
/** Processes that hold the other ends. */
const holders = 2;
/** Connections that are made and closed before anything is measured: what every first one costs is no connection's. */
const warmUp = 100;
/** What a process needs of descriptors beside its connections. */
const spare = 500;
/** Seconds after which memory that falls no more is taken for what is needed. */
const settles = 15;
const looks = 200;
/** Live streams that one caller may have. */
const streamsATime = 20;
const quietTopic = 'v1/org/first/notice';

interface Kind {
  readonly name: string;
  readonly port: 'mqttPort' | 'httpsPort';
  readonly count: number;
  openings(cloud: CloudProcess, from: number, count: number): Promise<readonly Opening[]>;
}

export const connectionsBench: Bench = {
  watched: {
    kilobytesAConnection: 'less',
    cpuMillisecondsAConnect: 'less',
    connectsPerSecond: 'more',
    idleCpuPercent: 'less',
    pingP99Milliseconds: 'less',
    deliveryP99Milliseconds: 'less',
  },
  run: benchConnections,
};

/**
 * What connections that say nothing cost the shipped cloud: its resident memory, and how soon it answers while they are
 * there. Gateways with certificates, applications with a key, kept HTTPS connections, live streams; each kind on a
 * cloud of its own, the other ends in processes of their own.
 *
 * @throws Error where the machine does not allow so many descriptors, or a connection does not stay
 */
async function benchConnections({ connections = usual }: BenchOptions): Promise<readonly BenchRow[]> {
  checkDescriptors(connections);
  const folder = await mkdtemp(join(tmpdir(), 'loadline-connections-'));
  try {
    say(`writing ${connections + warmUp} gateways`);
    const fleet = join(folder, 'fleet');
    const identities = await makeFleet(join(fleet, 'cloud'), connections + warmUp);
    const rows: BenchRow[] = [];
    for (const kind of kindsOf(identities, connections)) {
      const copy = join(folder, 'copy');
      await cp(fleet, copy, { recursive: true });
      const row = await measure(join(copy, 'cloud'), kind, identities[0]?.authorityPem ?? '');
      await rm(copy, { recursive: true });
      rows.push(row);
      say(`${row.name}: ${row.kilobytesAConnection} KB each`);
    }
    return rows;
  } finally {
    await rm(folder, { recursive: true });
  }
}

function kindsOf(identities: readonly GatewayIdentity[], connections: number): Kind[] {
  const others = Math.min(connections, othersMost);
  return [
    {
      name: 'gateways, MQTT with a certificate',
      port: 'mqttPort',
      count: connections,
      openings: async (_, from, count) =>
        identities.slice(from, from + count).map(({ id, privateKeyPem: key, chainPem: cert }) => ({
          speaks: 'mqtt',
          clientId: id,
          proof: { key, cert },
        })),
    },
    {
      name: 'applications, MQTT with a key, one subscription',
      port: 'mqttPort',
      count: others,
      openings: async ({ organisation }, from, count) => {
        const name = `idle from ${from}`;
        const { id: application } = await organisation.createApplication({
          body: { name, devices: null },
        });
        const keys: { readonly id: string; readonly secret: string }[] = [];
        for (let made = 0; made < count; made += limits.applicationLinks) {
          keys.push(await organisation.createApplicationKey({ application, body: { name: 'idle' } }));
        }
        return Array.from({ length: count }, (_, index) => {
          const key = keys[Math.floor(index / limits.applicationLinks)] as { id: string; secret: string };
          const login = { username: key.id, password: key.secret };
          return { speaks: 'mqtt', clientId: `idle-${index}`, login, subscribe: quietTopic };
        });
      },
    },
    {
      name: 'HTTPS, kept after a request',
      port: 'httpsPort',
      count: others,
      openings: async (_, __, count) =>
        Array.from({ length: count }, () => ({ speaks: 'https', path: '/favicon.svg', stream: false })),
    },
    {
      name: 'HTTPS, live stream (SSE)',
      port: 'httpsPort',
      count: others,
      openings: async ({ organisation }, _, count) => {
        const tokens: string[] = [];
        for (let made = 0; made < count; made += streamsATime) {
          const body = { name: 'idle', scopes: ['live.get'], days: 1 };
          tokens.push((await organisation.createToken({ body })).value);
        }
        return Array.from({ length: count }, (_, index) => ({
          speaks: 'https',
          path: '/api/v1/organisations/first/live',
          token: tokens[Math.floor(index / streamsATime)] as string,
          stream: true,
        }));
      },
    },
  ];
}

async function measure(state: string, kind: Kind, ca: string): Promise<BenchRow> {
  const cloud = await CloudProcess.start({ state });
  const { pid } = cloud.service;
  const way = { port: cloud[kind.port], ca };
  const children: ChildProcess[] = [];
  const hold = async (openings: readonly Opening[], from: number) => {
    const child = fork(fileURLToPath(new URL('./connections-load.ts', import.meta.url)));
    children.push(child);
    const report = await tell(child, { kind: 'connect', way, openings, from });
    if (report.kind !== 'connected') throw new Error(`not all of them connected: ${JSON.stringify(report)}`);
    return report.milliseconds;
  };
  try {
    await hold(await kind.openings(cloud, kind.count, warmUp), kind.count);
    children[0]?.disconnect();
    const before = await settled(pid);
    const openings = await kind.openings(cloud, 0, kind.count);
    const share = Math.ceil(kind.count / holders);
    const cpuBefore = cpuSecondsOf(pid);
    const took = await Promise.all(
      Array.from({ length: holders }, (_, index) =>
        hold(openings.slice(index * share, (index + 1) * share), index * share),
      ),
    );
    const handshakeCpu = cpuSecondsOf(pid) - cpuBefore;
    const highest = residentOf(pid);
    const after = await settled(pid);
    const [cpuIdle, began] = [cpuSecondsOf(pid), performance.now()];
    await elapsed(settles * 1000);
    const idleCpuPercent = ((cpuSecondsOf(pid) - cpuIdle) * 100_000) / (performance.now() - began);
    const seen: Extract<IdleReport, { kind: 'seen' }>[] = [];
    for (const child of children.slice(1)) {
      const report = await tell(child, { kind: 'look', times: looks });
      if (report.kind !== 'seen') throw new Error(JSON.stringify(report));
      seen.push(report);
    }
    const open = seen.reduce((sum, report) => sum + report.open, 0);
    if (open !== kind.count)
      throw new Error(`${kind.name}: ${open} of ${kind.count} connections are still open`);
    const pings = seen.flatMap((report) => report.pings);
    const deliveries = seen.flatMap((report) => report.deliveries);
    return {
      name: kind.name,
      dataSet:
        'idle links, each from an address of its own, MQTT pings each 30 s; memory is the resident set of the cloud’s process ' +
        `(kilobytes of 1000 bytes), before and with them, after ${settles} s without falling; answers on one link after the ` +
        'other among them, deliveries of 10 readings',
      connections: kind.count,
      kilobytesAConnection: rounded(((after - before) * 1.048576 * 1000) / kind.count, 1),
      residentBeforeMebibytes: rounded(before),
      residentMebibytes: rounded(after),
      residentAfterHandshakesMebibytes: rounded(highest),
      connectsPerSecond: rounded((kind.count / Math.max(...took)) * 1000),
      cpuMillisecondsAConnect: rounded((handshakeCpu * 1000) / kind.count, 2),
      idleCpuPercent: rounded(idleCpuPercent, 1),
      ...(kind.name.includes('live') ? {} : { pingP50Milliseconds: rounded(percentile(pings, 0.5), 2) }),
      ...(kind.name.includes('live') ? {} : { pingP99Milliseconds: rounded(percentile(pings, 0.99), 2) }),
      ...(deliveries.length > 0 && {
        deliveryP50Milliseconds: rounded(percentile(deliveries, 0.5), 2),
        deliveryP99Milliseconds: rounded(percentile(deliveries, 0.99), 2),
      }),
    };
  } finally {
    for (const child of children) if (child.connected) child.disconnect();
    await cloud.service.stop();
  }
}

async function tell(child: ChildProcess, order: IdleOrder): Promise<IdleReport> {
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`a holder of connections ended (${code})`);
  });
  child.send(order);
  const [report] = (await Promise.race([once(child, 'message'), ended])) as [IdleReport];
  ended.catch(() => undefined);
  return report;
}

/** Resident memory when it has stopped falling, MiB. */
async function settled(pid: number): Promise<number> {
  let least = residentOf(pid);
  for (let quiet = 0; quiet < settles; quiet++) {
    await elapsed(1000);
    const now = residentOf(pid);
    // A megabyte less is still falling.
    if (now < least - 1) quiet = 0;
    least = Math.min(least, now);
  }
  return residentOf(pid);
}

/** The cloud has all of them, and inherits what this process may. */
function checkDescriptors(connections: number): void {
  const most = Number(execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }));
  if (most >= connections + spare) return;
  throw new Error(
    `${connections} connections need ${connections + spare} descriptors, and a process here may have ${most}: ` +
      `raise the limit (ulimit -n), or ask for fewer (--connections ${Math.max(100, most - spare)})`,
  );
}

function say(text: string): void {
  process.stderr.write(`… ${text}\n`);
}
