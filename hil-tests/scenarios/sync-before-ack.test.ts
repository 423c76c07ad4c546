// @time-limit 120 s
// By the system calls of the cloud: the commit is synced to disk before its PUBACK is written.
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gatewayTopic } from '@loadline/sdk/contract';
import { encodeBatch } from '@loadline/sdk/telemetry';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { needs } from '../runner/debian.ts';
import { CloudProcess } from '../system/index.ts';
import { connectGateway, enrolIdentity } from '../system/mqtt-gateway.ts';
import { type CallEvent, SystemCalls } from './system-calls.ts';

const messages = 25;
const gatewayId = 'one-at-a-time';
const name = 'the sync of the commit returns before the PUBACK is written';

/** One batch of one reading, number after number. */
function batches(): () => Buffer {
  const header = {
    epoch: randomBytes(16).toString('hex'),
    parent: undefined,
    boot: randomBytes(16).toString('hex'),
    oldest: 1,
    dropped: [],
  };
  let number = 0;
  return () => {
    number++;
    const reading = {
      kind: 'reading',
      port: 'none',
      base: 1,
      tag: 1,
      aspect: 'heard',
      calibration: undefined,
      monotonic: number,
      value: { type: 'int32', value: number },
      flags: 0,
      status: 0,
      quality: { kind: 'none' },
    } as const;
    return Buffer.from(encodeBatch({ ...header, first: number }, [reading]));
  };
}

/** The system calls of a cloud while one QoS 1 message after the other is published and acknowledged. */
async function trace(program?: URL): Promise<{ events: CallEvent[]; clientPort: number } | string> {
  const folder = await mkdtemp(join(tmpdir(), 'loadline-trace-'));
  const cloud = await CloudProcess.start({ state: join(folder, 'cloud'), ...(program && { program }) });
  try {
    const identity = await enrolIdentity(cloud, gatewayId);
    const client = await connectGateway(cloud.mqttPort, identity);
    try {
      const next = batches();
      const publish = () => client.publishAsync(gatewayTopic(gatewayId, 'telemetry'), next(), { qos: 1 });
      // The first opens the epoch, and TLS has said all it has to say beside the data when it is answered.
      await publish();
      const calls = await SystemCalls.of(cloud.service.pid, join(folder, 'trace'));
      if (typeof calls === 'string') return calls;
      for (let message = 0; message < messages; message++) await publish();
      const clientPort = (client.stream as unknown as Socket).localPort ?? 0;
      return { events: await calls.end(), clientPort };
    } finally {
      client.end(true);
    }
  } finally {
    await cloud.service.stop();
    await rm(folder, { recursive: true });
  }
}

/** What happened between the last read of a message and the write that answers it. */
type Exchange = readonly CallEvent[];

/** Cuts a trace at the client's socket: a message may be read in pieces, and is answered in one write. */
function exchanges(events: readonly CallEvent[], clientPort: number): Exchange[] {
  const found: Exchange[] = [];
  let between: CallEvent[] | undefined;
  for (const event of events) {
    const isSocket = event.target.includes(`->127.0.0.1:${clientPort}]`);
    if (isSocket && event.kind === 'returns' && /^(read|recv)/.test(event.call)) {
      if ((event.result ?? 0) > 0) between = [];
    } else if (isSocket && event.kind === 'begins' && /^(write|send)/.test(event.call)) {
      assert.ok(between, 'the cloud writes to the client only to answer a message');
      found.push(between);
      between = undefined;
    } else {
      between?.push(event);
    }
  }
  return found;
}

/** What an exchange lacks: a write to the log that has returned, and after it a sync of the log that has. */
function fault(exchange: Exchange): 'not written' | 'not synced' | undefined {
  const isLog = ({ target }: CallEvent) => target.endsWith('/loadline.db-wal');
  const written = exchange.findLastIndex(
    (event) =>
      isLog(event) && event.kind === 'returns' && /^p?write/.test(event.call) && (event.result ?? -1) > 0,
  );
  if (written < 0) return 'not written';
  const rest = exchange.slice(written + 1).filter((event) => isLog(event) && /sync$/.test(event.call));
  const begun = rest.findIndex(({ kind }) => kind === 'begins');
  const isSynced =
    begun >= 0 && rest.slice(begun).some(({ kind, result }) => kind === 'returns' && result === 0);
  return isSynced ? undefined : 'not synced';
}

const strace = await needs('strace');

test(name, async () => {
  if (strace !== true) {
    console.log(`skipped: ${name}: ${strace}`);
    return;
  }
  const shipped = await trace();
  if (typeof shipped === 'string') {
    console.log(`skipped: ${name}: ${shipped}`);
    return;
  }
  const answered = exchanges(shipped.events, shipped.clientPort);
  assert.is(answered.length, messages);
  assert.equal(answered.map(fault), Array(messages).fill(undefined));

  // The control: the same judgement on a cloud that does not sync must find every message at fault.
  const control = await trace(new URL('./cloud-without-sync.ts', import.meta.url));
  assert.not.type(control, 'string');
  if (typeof control === 'string') return;
  const unsynced = exchanges(control.events, control.clientPort);
  assert.is(unsynced.length, messages);
  assert.equal(unsynced.map(fault), Array(messages).fill('not synced'));
});

test.run();
