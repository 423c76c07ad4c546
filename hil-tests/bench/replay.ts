import { join } from 'node:path';
import { readReadings } from '@loadline/cloud';
import { encodeFrame, encodePacket } from '@loadline/sdk/t24';
import { elapsed, Site } from '../scenarios/site.ts';
import type { LogLine } from '../system/index.ts';
import type { Bench, BenchRow } from './bench.ts';
import { cpuSecondsOf, monotonic, percentile, residentOf, rounded } from './figures.ts';

const backlog = 1_000_000;
const tags = 50;
const livePerSecond = 100;
/** Milliseconds each way. */
const latencyMs = 50;
/** Readings that may wait in the gateway's port while the backlog is made. */
const frameBatch = 2000;
const patience = 600_000;

export const replayBench: Bench = {
  watched: {
    readingsPerSecond: 'more',
    liveP99Milliseconds: 'less',
    residentMostMebibytes: 'less',
    gatewayCpuSeconds: 'less',
    cloudCpuSeconds: 'less',
  },
  run: benchReplay,
};

/**
 * A million readings that a gateway kept on disk while it had no link, drained over a link of 100 ms round trip, with
 * live readings ahead of them: the shipped bundle, a fault proxy and a cloud process. Takes some three minutes.
 *
 * @throws Error where the backlog does not get through
 */
async function benchReplay(): Promise<readonly BenchRow[]> {
  const site = await Site.open({ link: 'proxied', sections: { journal: { max_bytes: 256 * 1024 * 1024 } } });
  try {
    await site.proxy?.set({ latencyMs, newConnections: 'refuse' });
    site.proxy?.reset();
    await fill(site);
    // Again from disk, as after a power cut of days.
    await site.gateway.stop();
    site.startGateway();
    await site.gateway.line('port-open');
    return [await drain(site)];
  } finally {
    await site.close();
  }
}

/** Frames of all tags in turn, whose values ever change. */
function frames(count: number, from: number): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let turn = from; turn < from + count; turn++) {
    const value = Math.fround(10 + 5 * Math.sin(turn / 5000) + (turn % 97) / 1000);
    parts.push(
      encodeFrame(
        1,
        encodePacket({
          kind: 'dataProvider',
          flags: 0x20,
          tag: 0x1000 + (turn % tags),
          status: 0,
          dataType: 4,
          value: { type: 'float32', value },
          rssi: 0xf0 + (turn % 7),
          cv: 0xe0 + (turn % 5),
        }),
      ),
    );
  }
  return Buffer.concat(parts);
}

async function fill(site: Site): Promise<void> {
  for (let sent = 0; sent < backlog; sent += frameBatch) await site.port.write(frames(frameBatch, sent));
  await progress(site, ({ held }) => (held as number) >= backlog);
}

/** Waits for a word on its progress that is as wanted. */
function progress(site: Site, wanted: (line: LogLine) => boolean): Promise<LogLine> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error('the backlog does not get through')), patience);
    const unhear = site.gateway.onLine((line) => {
      if (line.event !== 'progress' || !wanted(line)) return;
      clearTimeout(late);
      unhear();
      resolve(line);
    });
  });
}

async function drain(site: Site): Promise<BenchRow> {
  const { pid } = site.gateway;
  const said: { at: number; acknowledged: number; p50: number; p99: number }[] = [];
  let resident = residentOf(pid);
  const before = resident;
  const unhear = site.gateway.onLine((line) => {
    if (line.event !== 'progress') return;
    resident = Math.max(resident, residentOf(pid));
    said.push({ at: monotonic(), acknowledged: line.acknowledged as number, p50: 0, p99: 0 });
  });
  const began = monotonic();
  let sent = 0;
  const live = setInterval(() => {
    const due = Math.floor(((monotonic() - began) / 1000) * livePerSecond);
    if (due > sent) void site.port.write(frames(due - sent, sent)).catch(() => {});
    sent = Math.max(sent, due);
  }, 1000 / livePerSecond);
  try {
    await elapsed(2000);
    const cpuBefore = [pid, site.cloud.service.pid, process.pid].map(cpuSecondsOf);
    await site.proxy?.set({ newConnections: 'accept' });
    await site.said('uplink-connected');
    const connected = monotonic();
    await progress(site, ({ held }) => (held as number) < livePerSecond);
    const took = (monotonic() - connected) / 1000;
    const cpu = [pid, site.cloud.service.pid, process.pid].map(
      (each, index) => cpuSecondsOf(each) - (cpuBefore[index] ?? 0),
    );
    const first = said.find(({ acknowledged }) => acknowledged > 0);
    const done = said.at(-1);
    const pace = said.slice(1).map((each, index) => {
      const last = said[index] ?? each;
      return ((each.acknowledged - last.acknowledged) / (each.at - last.at)) * 1000;
    });
    if (first === undefined || done === undefined) throw new Error('nothing was acknowledged');
    const latencies = liveLatencies(site, connected, connected + took * 1000);
    return {
      name: 'replay',
      dataSet: `${backlog} readings of ${tags} tags on disk, ${2 * latencyMs} ms round trip, ${livePerSecond} live readings/s`,
      backlogReadings: backlog,
      drainSeconds: rounded(took, 1),
      readingsPerSecond: rounded(done.acknowledged / took),
      bestSecondReadingsPerSecond: rounded(Math.max(...pace)),
      liveReadings: latencies.length,
      liveP50Milliseconds: rounded(percentile(latencies, 0.5)),
      liveP99Milliseconds: rounded(percentile(latencies, 0.99)),
      residentBeforeMebibytes: rounded(before, 1),
      residentMostMebibytes: rounded(resident, 1),
      gatewayCpuSeconds: rounded(cpu[0] ?? 0, 1),
      cloudCpuSeconds: rounded(cpu[1] ?? 0, 1),
      proxyCpuSeconds: rounded(cpu[2] ?? 0, 1),
    };
  } finally {
    clearInterval(live);
    unhear();
  }
}

/** Milliseconds from the last byte of each live reading to its commit, of those heard between two moments. */
function liveLatencies(site: Site, from: number, to: number): number[] {
  const wallOffset = Date.now() - monotonic();
  const epoch = site.gateway.log.find(({ event }) => event === 'gateway-start')?.epoch;
  const found: number[] = [];
  for (const { epoch: of, arrival, reading } of readReadings(join(site.folder, 'cloud'))) {
    if (of !== epoch || reading.monotonic < from || reading.monotonic > to) continue;
    found.push(arrival - (reading.monotonic + wallOffset));
  }
  return found;
}
