import { randomBytes, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { CloudClient } from '@loadline/sdk/client';
import { epochUser, limits } from '@loadline/sdk/contract';
import { createSigningRequest, generateKeyPair, softwareSigner } from '@loadline/sdk/identity';
import { generate, type Packet, parser } from 'mqtt-packet';
import * as assert from 'uvu/assert';
import { openAccounts, openStateKeys } from '../accounts.ts';
import { Alarms, describeAlarm, siblings } from '../alarms/index.ts';
import { openAuthority } from '../authority/index.ts';
import { Renewals } from '../devices/index.ts';
import { Downlink } from '../downlink/index.ts';
import { issuanceRecorder } from '../issuance.ts';
import { type MeteringOptions, openMetering } from '../metering.ts';
import { Enrolments } from '../people/index.ts';
import { Retention } from '../retention/index.ts';
import { Directory, Live, Router } from '../router/index.ts';
import { Store, step } from '../store/index.ts';
import { openUnits } from '../units/index.ts';
import { openUpdates } from '../updates.ts';
import { allHandlers, authenticatorOf, Gate, HttpsDoor } from './https/index.ts';
import { MqttDoor } from './mqtt/index.ts';

/** For the doors' own tests: both doors over a real store and a real authority, and clients at the level of packets. */

/** Gateways that are there: of our organisation, and of another one. */
export const [ours, neighbour, theirs] = ['mast', 'crane', 'theirs'] as const;

/** A certificate and its key, PEM. */
export interface Proof {
  readonly key: string;
  readonly cert: string;
}

/** What was logged, with the event's name. */
export type LogLine = Record<string, unknown> & { readonly event: string };

export type Doors = Awaited<ReturnType<typeof openDoors>>;

/** Opens both doors on free ports. The clock is the system's, plus what is put into `clock.offset` (ms). */
export async function openDoors(
  options: MeteringOptions & {
    /** Milliseconds that certificates of gateways live, where not as usual. */
    readonly gatewayMilliseconds?: number;
  } = {},
) {
  const folder = mkdtempSync(join(tmpdir(), 'loadline-doors-'));
  const clock = { offset: 0 };
  const now = () => Date.now() + clock.offset;
  const lines: LogLine[] = [];
  const note = (event: string, fields: object = {}) => void lines.push({ event, ...fields });
  const log = { debug: note, info: note, warn: note, error: note };
  const database = { file: join(folder, 'loadline.db'), key: 'a5'.repeat(32) };
  const store = await Store.open(database, assert.unreachable);
  const recordIssuance = issuanceRecorder({ store, now });
  const keys = await openStateKeys({ folder, store, now });
  const authority = await openAuthority({
    ...{ folder: join(folder, 'authority'), keys, now: Date.now, log: recordIssuance },
    gatewayMilliseconds: options.gatewayMilliseconds,
  });
  const second = { id: 'second', name: 'Second', created: now() };
  await store.change({ steps: [step('createOrganisation', second)], audit: [] });
  const directory = await Directory.load(store);
  const live = new Live();
  const downlink = new Downlink(store, now);
  const monotonic = () => performance.now();
  const counted = await openMetering({ store, log, now, monotonic }, options);
  const { metering, arrivals } = counted;
  const identity = await authority.issueServer({ names: ['localhost'] });
  const shared = {
    ...({ host: 'localhost', port: 0, identity, directory, downlink, log } as const),
    ...{ metering, arrivals },
  };
  const page = 'https://localhost';
  const accounts = await openAccounts({ folder, keys, store, directory, page, smtp: undefined, log, now });
  const { authentications, certificateUses } = accounts;
  const alarms = await Alarms.open({
    ...{ store, directory, mailer: accounts.mailer, log, now },
    onAlarm: (alarm) => live.publishAlarm(alarm.device.organisation, describeAlarm(alarm)),
  });
  let halted = 0;
  const updating = await openUpdates({
    ...{ folder, keys, store, directory, live, mailer: accounts.mailer, log, now },
    onHalted: () => {
      halted += 1;
    },
  });
  const { updates } = updating;
  const router = new Router({
    ...{ store, directory, live, now, monotonic },
    onUpdating: updating.onUpdating,
    onSiblings: (device, epochs) => alarms.raise(siblings(device, epochs, now())),
  });
  const mqtt = await MqttDoor.open({
    ...shared,
    clientTrust: authority.clientTrust(),
    router,
    updates,
    live,
    store,
    alarms,
    keyHolders: accounts.keyHolders,
    certificateUses,
    credentialHolders: accounts.credentialHolders,
    onSkipped: () => {},
    onTlsFailed: () => {},
    authentications,
    now,
    monotonic,
  });
  const gate = new Gate({
    authenticator: authenticatorOf(accounts),
    directory,
    members: accounts.members,
    grants: accounts.grants,
    now,
  });
  const retention = await Retention.open({ store, directory, log, now });
  const isConnected = (device: string) => mqtt.isConnected(device);
  const enrolments = new Enrolments({ store, authentications, recordIssuance, now });
  const renewals = new Renewals({
    ...{ authority, directory, certificateUses, authentications, recordIssuance, now, monotonic },
  });
  const { credentials } = accounts;
  const units = openUnits({ store, directory, credentials, authority, recordIssuance, now });
  const https = await HttpsDoor.open({
    ...shared,
    authority,
    enrolments,
    renewals,
    releases: updating.releases,
    certificateUses,
    authentications,
    now,
    router,
    credentialHolders: accounts.credentialHolders,
    gate,
    ...allHandlers({
      ...accounts,
      ...units,
      rootsPem: () => authority.rootsPem,
      store,
      directory,
      live,
      downlink,
      retention,
      enrolments,
      isConnected,
      alarms,
      ...updating,
      metering,
      onSkipped: () => {},
      now,
    }),
    acceptMqtt: (socket) => mqtt.accept(socket),
    isReady: async () => true,
    onTlsFailed: () => {},
  });
  const client = new CloudClient({
    url: `https://localhost:${https.port}`,
    authorityPem: authority.certificatePem,
  });
  const login = { email: 'ann@example.org', password: randomBytes(24).toString('base64url') };
  const secret = (await accounts.setup.offer()) ?? '';
  const organisation = { id: 'first', name: 'First' };
  await client.setUp({ body: { secret, ...login, name: 'Ann', organisation } });
  await client.logIn({ body: login });
  for (const [id, organisation] of [
    [ours, 'first'],
    [neighbour, 'first'],
    [theirs, 'second'],
  ] as const) {
    await store.change({ steps: [step('addDevice', { id, organisation, kind: 'gateway' })], audit: [] });
  }
  await directory.reload();
  return {
    alarms,
    updating,
    /** How many rollouts were halted by themselves. */
    halted: () => halted,
    /** Mails that are to be sent, as files. */
    outbox: join(folder, 'outbox'),
    database,
    directory,
    accounting: counted.accounting,
    metering,
    arrivals,
    store,
    https,
    mqtt,
    client,
    organisation: client.organisation('first'),
    retention,
    login,
    authentications,
    blocks: accounts.blocks,
    clock,
    lines,
    authorityPem: authority.certificatePem,
    /** The cloud's own. */
    server: { key: identity.privateKeyPem, cert: identity.certificatePem } satisfies Proof,
    /** A certificate for a gateway that is good, and that the cloud knows nothing of. */
    async unrecorded(id: string): Promise<Proof> {
      const { key, request } = await makeRequest(id);
      const { certificatePem } = await authority.issueGateway(request, id, () => {});
      return { key, cert: certificatePem };
    },
    /** A certificate for a gateway, recorded as it is at enrolment. */
    async prove(id: string, pair?: string): Promise<Proof> {
      const { key, request } = await makeRequest(id, pair);
      const { certificatePem } = await authority.issueGateway(request, id);
      await directory.reload();
      return { key, cert: certificatePem };
    },
    async close() {
      await mqtt.close();
      await https.close();
      await updating.close();
      await alarms.close();
      await accounts.close();
      await retention.close();
      await counted.close();
      await store.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** `pair`: a private key, PEM; a new one where it is left out, which takes its time. */
async function makeRequest(commonName: string, pair?: string): Promise<{ key: string; request: string }> {
  const key = pair ?? (await generateKeyPair()).privateKeyPem;
  return { key, request: createSigningRequest({ commonName, signer: softwareSigner(key) }) };
}

/** SHA-256 of a certificate as the store names it. */
export function fingerprintOf({ cert }: Proof): string {
  return new X509Certificate(cert).fingerprint256.replaceAll(':', '').toLowerCase();
}

/** Milliseconds of one look to the next that count: where the machine gives no processor for longer, that is not the cloud's doing. */
const countedMilliseconds = 100;

/** Polls until it is so. The limit is of a machine that runs: it stands still where this one does. */
export async function until<T>(
  condition: () => T | Promise<T>,
  what: string,
  limitMs = 20_000,
): Promise<NonNullable<T>> {
  let left = limitMs;
  for (let looked = performance.now(); ; ) {
    const found = await condition();
    if (found) return found;
    if (left < 0) throw new Error(`${limitMs} ms passed without ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const now = performance.now();
    left -= Math.min(now - looked, countedMilliseconds);
    looked = now;
  }
}

/** An MQTT client that does nothing by itself, and every packet it got. */
export class Wire {
  readonly socket: TLSSocket;
  readonly packets: Packet[] = [];

  constructor(options: ConnectionOptions) {
    this.socket = connect({ host: 'localhost', ...options });
    const packets = parser();
    packets.on('packet', (packet: Packet) => this.packets.push(packet));
    this.socket.on('data', (chunk) => packets.parse(chunk));
    this.socket.on('error', () => this.socket.destroy());
  }

  /** Connects to one of the doors by one of its ports, as a gateway, and is let in. */
  static async open(doors: Doors, proof: Proof, id: string, options: ConnectionOptions = {}): Promise<Wire> {
    const wire = new Wire({ port: doors.mqtt.port, ca: doors.authorityPem, ...proof, ...options });
    wire.connect(id);
    const [connack] = await wire.got('connack');
    assert.is(connack?.cmd === 'connack' && connack.returnCode, 0);
    return wire;
  }

  /** `epoch`: what it states by its user name. */
  connect(clientId: string, version: 3 | 4 = 4, epoch?: string): void {
    const protocol = version === 4 ? ({ protocolId: 'MQTT' } as const) : ({ protocolId: 'MQIsdp' } as const);
    const keepalive = limits.mqttKeepaliveSeconds;
    const stated = epoch === undefined ? {} : { username: epochUser(epoch) };
    this.send({
      ...{
        cmd: 'connect',
        clientId,
        clean: true,
        keepalive,
        protocolVersion: version,
        ...protocol,
        ...stated,
      },
    });
  }

  send(packet: Packet): void {
    this.socket.write(generate(packet));
  }

  publish(topic: string, body: unknown, messageId = 1): void {
    const payload = typeof body === 'string' ? body : JSON.stringify(body);
    this.send({ cmd: 'publish', topic, payload, qos: 1, messageId, retain: false, dup: false });
  }

  /** Subscribes, and waits for the answer; the QoS granted, 128 where refused. */
  async subscribe(...topics: string[]): Promise<unknown> {
    const before = this.packets.length;
    this.send({ cmd: 'subscribe', messageId: 77, subscriptions: topics.map((topic) => ({ topic, qos: 1 })) });
    const suback = await until(
      () => this.packets.slice(before).find(({ cmd }) => cmd === 'suback'),
      'a SUBACK',
    );
    return suback.cmd === 'suback' && suback.granted;
  }

  /** Waits for `count` packets of a kind. */
  async got(cmd: Packet['cmd'], count = 1): Promise<Packet[]> {
    const all = () => this.packets.filter((one) => one.cmd === cmd);
    return await until(() => {
      if (all().length >= count) return all();
      if (this.socket.destroyed) throw new Error(`closed before ${count} × ${cmd}`);
      return undefined;
    }, `${count} × ${cmd}`);
  }

  /** The JSON messages on a topic so far. */
  on(topic: string): Record<string, unknown>[] {
    return this.packets.flatMap((one) =>
      one.cmd === 'publish' && one.topic === topic ? [JSON.parse(String(one.payload))] : [],
    );
  }

  /** Waits for the `count`th JSON message on a topic. */
  async heard(topic: string, count = 1): Promise<Record<string, unknown>> {
    return await until(() => this.on(topic)[count - 1], `${count} messages on ${topic}`);
  }

  async ended(limitMs?: number): Promise<void> {
    await until(() => this.socket.destroyed, 'the end of the link', limitMs);
  }
}
