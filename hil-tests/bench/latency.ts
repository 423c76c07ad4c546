import { join } from 'node:path';
import { readReadings } from '@loadline/cloud';
import { applicationPrefix, applicationReadings } from '@loadline/sdk/contract';
import { encodeFrame, encodePacket } from '@loadline/sdk/t24';
import { connectAsync, type MqttClient } from 'mqtt';
import { VirtualPort } from '../rig/index.ts';
import { elapsed, gatewayId, Site } from '../scenarios/site.ts';
import type { CloudProcess } from '../system/index.ts';
import type { Bench, BenchOptions, BenchRow } from './bench.ts';
import { cpuSecondsOf, monotonic, percentile, rounded } from './figures.ts';

/** Two lines, because one of 115200 baud is full with 720 frames of 16 bytes a second. */
const lineCount = 2;
const sensors = 100;
const firstTag = 0x1000;
const readingsPerSecond = 1000;
const lastsFor = 10;
/** Seconds in which programs warm up; what is heard then is not counted. */
const warmUp = 3;
/** Milliseconds that the last reading may take. */
const patience = 2000;
/** A live batch holds numbers of this size exactly: what a frame carries is its own number. */
const mostFrames = 2 ** 24;

interface LatencyRow extends BenchRow {
  readonly readings: number;
  readonly p50Milliseconds: number;
  readonly p99Milliseconds: number;
  readonly maxMilliseconds: number;
}

export const latencyBench: Bench = {
  watched: {
    p50Milliseconds: 'less',
    p99Milliseconds: 'less',
    maxMilliseconds: 'less',
    gatewayCpuPercent: 'less',
    cloudCpuPercent: 'less',
  },
  run: benchLatency,
};

/**
 * How long a reading takes from the last byte of its frame, written to a virtual port, to a subscriber: the shipped
 * gateway and the shipped cloud in processes of their own, TLS between them, and two subscribers in this process, one
 * by MQTT with an application key and one by server-sent events. `--seconds` other than 10 are measured after 3 s.
 *
 * @throws Error where a subscriber missed a reading: such a figure would mean nothing
 */
async function benchLatency({ seconds = lastsFor }: BenchOptions): Promise<readonly BenchRow[]> {
  const lines = await Promise.all(Array.from({ length: lineCount }, () => VirtualPort.open()));
  const ports = lines.map(({ path }, index) => ({ name: `radio-${index}`, path }));
  const site = await Site.prepare({ sections: { sensors: tags(), ports } });
  try {
    site.startGateway();
    await site.said('port-open', lineCount);
    await site.gateway.line('uplink-connected');
    const heard = { mqtt: new Map<number, number>(), events: new Map<number, number>() };
    const client = await subscribe(site.cloud, heard.mqtt);
    const stop = await follow(site.cloud, heard.events);
    const processes = [site.gateway.pid, site.cloud.service.pid, process.pid];
    const before = processes.map(cpuSecondsOf);
    const sent = await play(lines, seconds + warmUp);
    const [gatewayCpu = 0, cloudCpu = 0, ownCpu = 0] = processes.map(
      (pid, at) => (cpuSecondsOf(pid) - (before[at] ?? 0)) / (seconds + warmUp),
    );
    await elapsed(patience);
    await client.endAsync(true);
    stop();
    const counted = [...sent.keys()].filter((number) => number >= warmUp * readingsPerSecond);
    const { gateway, commit, batches } = await legsOf(site);
    const missed = counted.filter((one) => !heard.mqtt.has(one) || !heard.events.has(one));
    if (missed.length > 0) throw new Error(`${missed.length} readings of ${counted.length} came to nobody`);
    const common = {
      dataSet:
        `${sensors} sensors on ${lineCount} virtual ports, ${readingsPerSecond} frames of 16 bytes a second one by one, ` +
        `evenly, float32; ${batches} batches a second; all defaults (max_delay 0); legs of what is not merged yet`,
      gatewayCpuPercent: rounded(gatewayCpu * 100, 1),
      cloudCpuPercent: rounded(cloudCpu * 100, 1),
      loadAndSubscribersCpuPercent: rounded(ownCpu * 100, 1),
    };
    const row = (name: string, from: Times, to: Times): LatencyRow => {
      const times = counted.flatMap((number) => {
        const [began, ended] = [from.get(number), to.get(number)];
        return began === undefined || ended === undefined ? [] : [ended - began];
      });
      return {
        name,
        ...common,
        readings: times.length,
        p50Milliseconds: rounded(percentile(times, 0.5), 1),
        p99Milliseconds: rounded(percentile(times, 0.99), 1),
        maxMilliseconds: rounded(Math.max(...times), 1),
      };
    };
    return [
      row('serial byte to MQTT subscriber', sent, heard.mqtt),
      row('serial byte to SSE subscriber', sent, heard.events),
      row('leg: serial byte to reading', sent, gateway),
      row('leg: reading to commit', gateway, commit),
      row('leg: commit to MQTT subscriber', commit, heard.mqtt),
      row('leg: commit to SSE subscriber', commit, heard.events),
    ];
  } finally {
    await site.close();
    for (const line of lines) await line.close();
  }
}

/** When each numbered frame was somewhere, on the machine's monotonic clock. */
type Times = ReadonlyMap<number, number>;

function tags() {
  return Array.from({ length: sensors }, (_, index) => ({
    tag: (firstTag + index).toString(16),
    name: `sensor ${index}`,
    unit: 'kN',
  }));
}

function frame(number: number): Uint8Array {
  return encodeFrame(
    1,
    encodePacket({
      kind: 'dataProvider',
      flags: 0x20,
      tag: firstTag + (number % sensors),
      status: 0,
      dataType: 4,
      value: { type: 'float32', value: number % mostFrames },
      rssi: 0xf0 + (number % 7),
      cv: 0xe0 + (number % 5),
    }),
  );
}

/** Sends frames evenly, each on its line when its time has come; when each was given to the kernel. */
async function play(lines: readonly VirtualPort[], seconds: number): Promise<Map<number, number>> {
  const sent = new Map<number, number>();
  const began = monotonic();
  const total = seconds * readingsPerSecond;
  for (let number = 0; number < total; ) {
    const due = Math.min(total, Math.floor(((monotonic() - began) / 1000) * readingsPerSecond));
    for (; number < due; number++) {
      const bytes = frame(number);
      sent.set(number, monotonic());
      await lines[number % lines.length]?.write(bytes);
    }
    await elapsed(1);
  }
  return sent;
}

async function subscribe(cloud: CloudProcess, heard: Map<number, number>): Promise<MqttClient> {
  const { organisation } = cloud;
  const application = await organisation.createApplication({ body: { name: 'bench' } });
  const key = await organisation.createApplicationKey({
    application: application.id,
    body: { name: 'bench' },
  });
  const client = await connectAsync({
    protocol: 'mqtts',
    host: 'localhost',
    port: cloud.mqttPort,
    ca: cloud.authorityPem,
    username: key.id,
    password: key.secret,
    clientId: 'bench',
    protocolVersion: 4,
    reconnectPeriod: 0,
  });
  client.on('message', (_topic, payload) => {
    const at = monotonic();
    const { points } = applicationReadings.parse(JSON.parse(payload.toString()));
    for (const [, value] of points) heard.set(value ?? -1, at);
  });
  await client.subscribeAsync(`${applicationPrefix('first')}devices/+/readings`);
  return client;
}

/** Follows the live events; the function it returns ends that. */
async function follow(cloud: CloudProcess, heard: Map<number, number>): Promise<() => void> {
  const stream = await cloud.organisation.followReadings();
  const events = stream[Symbol.asyncIterator]();
  let isOver = false;
  const listen = async () => {
    while (!isOver) {
      const { value, done } = await events.next();
      if (done) return;
      const at = monotonic();
      if (value.event !== 'readings') continue;
      for (const { points } of value.data) for (const [, number] of points) heard.set(number ?? -1, at);
    }
  };
  void listen().catch(() => undefined);
  return () => {
    isOver = true;
    void events.return?.(undefined);
  };
}

/**
 * When each reading was heard by the gateway and committed by the cloud (to the millisecond), and batches a second: of those
 * deliveries that still stand as they came, and are not merged into chunks yet.
 */
async function legsOf(site: Site) {
  const gateway = new Map<number, number>();
  const commit = new Map<number, number>();
  const epoch = await site.epoch();
  const wallOffset = Date.now() - monotonic();
  const written = new Set<number>();
  for (const { epoch: of, arrival, reading } of readReadings(join(site.folder, 'cloud'))) {
    if (of !== epoch) continue;
    written.add(arrival);
    const { value, monotonic } = reading;
    if (value.type !== 'float32') continue;
    gateway.set(value.value, monotonic);
    commit.set(value.value, arrival - wallOffset);
  }
  const { deliveries } = await site.cloud.organisation.getLedger({ device: gatewayId });
  const span = Math.max(...written) - Math.min(...written);
  return { gateway, commit, batches: rounded((deliveries.stored / span) * 1000) };
}
