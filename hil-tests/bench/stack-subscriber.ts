/**
 * What a user writes between a broker and PostgreSQL: subscribes, reads JSON, COPYs what has come in one go while the next
 * gathers. A process of its own, started by stack.ts.
 */
import { finished } from 'node:stream/promises';
import { connectAsync } from 'mqtt';
import { Client } from 'pg';
import { from } from 'pg-copy-streams';
import type { GatewayIdentity } from '../system/mqtt-gateway.ts';

export interface SubscriberOrder {
  readonly brokerPort: number;
  readonly identity: GatewayIdentity;
  /** Folder of the database's socket. */
  readonly socketFolder: string;
  readonly user: string;
}

/** What it has committed so far. Times are monotonic milliseconds of this machine. */
export interface SubscriberState {
  readonly messages: number;
  readonly readings: number;
  readonly firstAt: number;
  readonly lastAt: number;
}

/** A reading as users send it. */
export interface JsonReading {
  readonly sensor: string;
  readonly time: number;
  readonly value: number;
  readonly rssi: number;
  readonly cv: number;
}

const state = { messages: 0, readings: 0, firstAt: 0, lastAt: 0 };

process.once('message', (order: SubscriberOrder) => {
  work(order).catch((error: Error) => {
    console.error(error);
    process.exit(1);
  });
});
process.once('disconnect', () => process.exit(0));

async function work({ brokerPort, identity, socketFolder, user }: SubscriberOrder): Promise<void> {
  const database = new Client({ host: socketFolder, user, database: 'postgres' });
  await database.connect();
  let lines: string[] = [];
  let waiting = 0;
  let copying = false;
  const copy = async () => {
    copying = true;
    while (lines.length > 0) {
      const [text, messages, readings] = [lines.join(''), waiting, lines.length];
      lines = [];
      waiting = 0;
      const stream = database.query(from('COPY reading FROM STDIN'));
      stream.end(text);
      await finished(stream);
      state.messages += messages;
      state.readings += readings;
      state.lastAt = performance.timeOrigin + performance.now();
    }
    copying = false;
  };
  const client = await connectAsync({
    protocol: 'mqtts',
    host: 'localhost',
    port: brokerPort,
    clientId: identity.id,
    ca: identity.authorityPem,
    key: identity.privateKeyPem,
    cert: identity.chainPem,
    protocolVersion: 4,
    clean: true,
    reconnectPeriod: 0,
  });
  client.on('error', (error) => {
    throw error;
  });
  client.on('message', (topic, payload) => {
    if (state.firstAt === 0) state.firstAt = performance.timeOrigin + performance.now();
    const gateway = topic.split('/')[1];
    for (const { sensor, time, value, rssi, cv } of JSON.parse(payload.toString()) as JsonReading[]) {
      lines.push(`${gateway}\t${sensor}\t${new Date(time).toISOString()}\t${value}\t${rssi}\t${cv}\n`);
    }
    waiting += 1;
    if (!copying) void copy();
  });
  await client.subscribeAsync('gw/+/telemetry', { qos: 1 });
  process.on('message', () => process.send?.(state));
  process.send?.(state);
}
