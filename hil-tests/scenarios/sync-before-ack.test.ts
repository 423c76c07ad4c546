// @time-limit 240 s
// By the system calls of the cloud: at every door the commit is synced to disk before its acknowledgement is written.
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gatewayTopic } from '@loadline/sdk/contract';
import { socketSecret, writeSignedLine } from '@loadline/sdk/socket';
import { encodeBatch } from '@loadline/sdk/telemetry';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { needs } from '../runner/debian.ts';
import { CloudProcess, freeSocketPorts } from '../system/index.ts';
import { LineClient } from '../system/line-client.ts';
import { connectGateway, enrolIdentity } from '../system/mqtt-gateway.ts';
import { takeInSoftware } from './software-device.ts';
import { type CallEvent, SystemCalls } from './system-calls.ts';

const messages = 25;
const deviceId = 'one-at-a-time';

/** A client at a door, one delivery at a time. */
interface OneAtATime {
  /** Delivers the next reading and waits until it is acknowledged. */
  deliver(): Promise<void>;
  /** Its end of the connection, once something was delivered. */
  readonly clientPort: () => number;
  end(): void;
}

/** What opens a client at each door, and what its acknowledgement is called. */
const doors: Readonly<Record<string, (cloud: CloudProcess) => Promise<OneAtATime>>> = {
  'the PUBACK': byMqtt,
  'the 200 of HTTPS': byHttps,
  'the OK of a socket': bySocket,
};

async function byMqtt(cloud: CloudProcess): Promise<OneAtATime> {
  const client = await connectGateway(cloud.mqttPort, await enrolIdentity(cloud, deviceId));
  const next = batches();
  return {
    deliver: async () => {
      await client.publishAsync(gatewayTopic(deviceId, 'telemetry'), next(), { qos: 1 });
    },
    clientPort: () => (client.stream as unknown as Socket).localPort ?? 0,
    end: () => client.end(true),
  };
}

async function byHttps(cloud: CloudProcess): Promise<OneAtATime> {
  const { token } = await takeInSoftware(cloud, deviceId);
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: cloud.authorityPem });
  let [number, clientPort] = [0, 0];
  return {
    deliver: () => {
      const body = JSON.stringify({ number: ++number });
      const headers = {
        'x-auth-token': token.secret,
        'content-type': 'application/json',
        'content-length': body.length,
      };
      const to = { host: 'localhost', port: cloud.httpsPort, path: '/ingest/v1', method: 'POST', agent };
      return new Promise((resolve, reject) => {
        const call = request({ ...to, headers }, (response) => {
          clientPort = response.socket.localPort ?? 0;
          response.resume();
          const { statusCode } = response;
          response.on('end', () => (statusCode === 200 ? resolve() : reject(new Error(`${statusCode}`))));
        });
        call.on('error', reject);
        call.end(body);
      });
    },
    clientPort: () => clientPort,
    end: () => agent.destroy(),
  };
}

async function bySocket(cloud: CloudProcess): Promise<OneAtATime> {
  await cloud.organisation.patchOrganisation({ body: { sockets: 'signed' } });
  const { id, secret } = (await takeInSoftware(cloud, deviceId))['socket-key'];
  const client = await LineClient.tcp(cloud.socketPorts.tcp);
  let counter = 0;
  return {
    deliver: async () => {
      const key = { id, secret: socketSecret(secret) };
      const answer = await client.ask(writeSignedLine(key, ++counter, [{ name: 'number', value: counter }]));
      assert.match(answer, /^OK 1 /);
    },
    clientPort: () => client.localPort,
    end: () => client.close(),
  };
}

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

/** The system calls of a cloud while one delivery after the other is made and acknowledged. */
async function trace(
  open: (cloud: CloudProcess) => Promise<OneAtATime>,
  program?: URL,
): Promise<{ events: CallEvent[]; clientPort: number } | string> {
  const folder = await mkdtemp(join(tmpdir(), 'loadline-trace-'));
  const cloud = await CloudProcess.start({
    state: join(folder, 'cloud'),
    sockets: freeSocketPorts,
    ...(program && { program }),
  });
  try {
    const client = await open(cloud);
    try {
      // The first opens what is opened once, and TLS has said all it has to say beside the data when it is answered.
      await client.deliver();
      const calls = await SystemCalls.of(cloud.service.pid, join(folder, 'trace'));
      if (typeof calls === 'string') return calls;
      for (let message = 0; message < messages; message++) await client.deliver();
      return { events: await calls.end(), clientPort: client.clientPort() };
    } finally {
      client.end();
    }
  } finally {
    await cloud.service.stop();
    await rm(folder, { recursive: true });
  }
}

/** What happened between the last read of a message and the first write that answers it. */
type Exchange = readonly CallEvent[];

/** Cuts a trace at the client's socket: a message may be read in pieces, and what answers it be written in some. */
function exchanges(events: readonly CallEvent[], clientPort: number): Exchange[] {
  const found: Exchange[] = [];
  let between: CallEvent[] | undefined;
  for (const event of events) {
    const isSocket = event.target.includes(`->127.0.0.1:${clientPort}]`);
    if (isSocket && event.kind === 'returns' && /^(read|recv)/.test(event.call)) {
      if ((event.result ?? 0) > 0) between = [];
    } else if (isSocket && event.kind === 'begins' && /^(write|send)/.test(event.call)) {
      if (between !== undefined) found.push(between);
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

for (const [acknowledgement, open] of Object.entries(doors)) {
  const name = `the sync of the commit returns before ${acknowledgement} is written`;
  test(name, async () => {
    if (strace !== true) {
      console.log(`skipped: ${name}: ${strace}`);
      return;
    }
    const shipped = await trace(open);
    if (typeof shipped === 'string') {
      console.log(`skipped: ${name}: ${shipped}`);
      return;
    }
    const answered = exchanges(shipped.events, shipped.clientPort);
    assert.is(answered.length, messages);
    assert.equal(answered.map(fault), Array(messages).fill(undefined));

    // The control: the same judgement on a cloud that does not sync must find every message at fault.
    const control = await trace(open, new URL('./cloud-without-sync.ts', import.meta.url));
    assert.not.type(control, 'string');
    if (typeof control === 'string') return;
    const unsynced = exchanges(control.events, control.clientPort);
    assert.is(unsynced.length, messages);
    assert.equal(unsynced.map(fault), Array(messages).fill('not synced'));
  });
}

test.run();
