import { encodeFrame, encodePacket } from '@loadline/sdk/t24';
import { until } from '../rig/index.ts';
import { SeededRandom } from '../rig/random.ts';
import { elapsed, gatewayId, Site } from '../scenarios/site.ts';
import type { Bench, BenchOptions, BenchRow } from './bench.ts';
import { monotonic, rounded } from './figures.ts';
import { firstTag, sensors, sensorTables } from './sensors.ts';

/** Seconds of readings that each case sends. */
const lasts = 60;
/** Milliseconds between two questions for the ledger: four sites ask a cloud each. */
const askEvery = 200;

interface Case {
  readonly maxDelaySeconds: number;
  readonly data: keyof typeof dataSets;
}

const cases: readonly Case[] = [
  { maxDelaySeconds: 10, data: 'two decimals' },
  { maxDelaySeconds: 10, data: 'noise' },
  { maxDelaySeconds: 1, data: 'two decimals' },
  { maxDelaySeconds: 0, data: 'two decimals' },
];

/** What the sensors say. */
const dataSets = {
  'two decimals': 'each a walk of up to 0.02 a second, rounded to 0.01',
  noise: 'each a slow wave of ±5 with noise of 0.1 on it, in every bit a float32 has',
} as const;

export const wireBench: Bench = {
  watched: { bytesAReading: 'less', bytesDownAReading: 'less', connectBytes: 'less' },
  run: benchWire,
  compare: async () => (await import('./wire-peers.ts')).compareWire(),
};

/**
 * Bytes on the wire a reading: the shipped gateway with 100 sensors that each send once a second, before a cloud process,
 * counted between them on the TCP connection in both directions. All that the link carries in that time counts: batches,
 * their acknowledgements, health messages, pings, and TLS around them. The handshake and what a link begins with
 * are told beside it; headers of TCP and IP are not in it.
 *
 * @throws Error where not every reading sent is stored, once
 */
async function benchWire({ seconds = lasts }: BenchOptions): Promise<readonly BenchRow[]> {
  // Bytes do not depend on who else is at work: all at a time.
  return await Promise.all(cases.map((one) => measure(one, seconds)));
}

async function measure({ maxDelaySeconds, data }: Case, seconds: number): Promise<BenchRow> {
  const site = await Site.open({
    link: 'proxied',
    // As shipped: an account once a minute.
    sections: {
      sensors: sensorTables(),
      uplink: { max_delay_ms: maxDelaySeconds * 1000 },
      health: { interval_seconds: 60, after_quiet_ms: 0 },
    },
  });
  try {
    const bytes = () => {
      const { bytesToTarget = 0, bytesToClient = 0 } = site.proxy?.counts ?? {};
      return { up: bytesToTarget, down: bytesToClient };
    };
    // What a link begins with: its handshake, the anchor, what the gateway reports of itself.
    await elapsed(2000);
    const before = bytes();
    const { deliveries: held } = await site.cloud.organisation.getLedger({ device: gatewayId });
    const sent = await send(site, valuesOf(data), seconds);
    await until(async () => (await storedOf(site)) >= sent, {
      limitMs: (maxDelaySeconds + 20) * 1000,
      what: `${sent} readings are stored`,
    });
    const after = bytes();
    const { deliveries } = await site.cloud.organisation.getLedger({ device: gatewayId });
    const stored = site.readings().length;
    if (stored !== sent) throw new Error(`${sent} readings were sent, and ${stored} are stored`);
    const [up, down] = [after.up - before.up, after.down - before.down];
    return {
      name: `max_delay ${maxDelaySeconds} s, ${data}`,
      dataSet: `${sensors} sensors x 1 Hz, float32 with radio quality, evenly over the second, arrival times as they come; TLS 1.3 over MQTT 3.1.1, a health message a minute, pings; without TCP and IP headers`,
      values: dataSets[data],
      readings: sent,
      seconds,
      bytesAReading: rounded((up + down) / sent, 2),
      bytesUpAReading: rounded(up / sent, 2),
      bytesDownAReading: rounded(down / sent, 2),
      readingsABatch: rounded(sent / (deliveries.stored - held.stored), 1),
      connectBytes: before.up + before.down,
    };
  } finally {
    await site.close();
  }
}

async function storedOf(site: Site): Promise<number> {
  const [{ readings }] = await Promise.all([
    site.cloud.organisation.getLedger({ device: gatewayId }),
    elapsed(askEvery),
  ]);
  return readings.stored;
}

/** One frame after the other, each sensor once a second. @returns how many */
async function send(
  site: Site,
  value: (sensor: number, second: number) => number,
  seconds: number,
): Promise<number> {
  const count = seconds * sensors;
  const began = monotonic();
  for (let sent = 0; sent < count; ) {
    const due = Math.min(count, Math.floor(((monotonic() - began) / 1000) * sensors) + 1);
    for (; sent < due; sent++) {
      const sensor = sent % sensors;
      await site.port.write(frame(sensor, value(sensor, Math.floor(sent / sensors)), sent));
    }
    await elapsed(1000 / sensors);
  }
  return count;
}

function frame(sensor: number, value: number, turn: number): Uint8Array {
  const packet = encodePacket({
    kind: 'dataProvider',
    flags: 0x20,
    tag: firstTag + sensor,
    status: 0,
    dataType: 4,
    value: { type: 'float32', value: Math.fround(value) },
    // Each sensor at its own distance, with the flicker of one or two steps that radios have.
    rssi: 0xc0 + (sensor % 20) + (turn % 3),
    cv: 0xe0 + ((turn >> 2) % 4),
  });
  return encodeFrame(1, packet);
}

function valuesOf(data: Case['data']): (sensor: number, second: number) => number {
  const random = new SeededRandom(1);
  switch (data) {
    case 'two decimals': {
      const hundredths = Array.from({ length: sensors }, () => random.integer(-2000, 10_000));
      return (sensor) => {
        const next = (hundredths[sensor] ?? 0) + random.integer(-2, 2);
        hundredths[sensor] = next;
        return next / 100;
      };
    }
    case 'noise':
      return (sensor, second) => 10 + 5 * Math.sin(second / 20 + sensor) + random.uniform() / 10;
  }
}
