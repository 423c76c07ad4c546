import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import type { SocketPolicy } from '@loadline/sdk/contract';
import { type LineReading, type SigningKey, socketSecret } from '@loadline/sdk/socket';
import * as assert from 'uvu/assert';
import { openAccounts, openStateKeys } from '../../accounts.ts';
import { openAuthority } from '../../authority/index.ts';
import { memoryKeys } from '../../keys/test-keys.ts';
import { type MeteringOptions, openMetering } from '../../metering.ts';
import { type Delivery, Directory, Live, type Receipt, Router } from '../../router/index.ts';
import { type CredentialKind, Store, step } from '../../store/index.ts';
import type { Maker } from '../../tokens/index.ts';
import { until } from '../test-doors.ts';
import { SocketDoor } from './index.ts';

/** For the socket door's own tests: the door on free ports over a real store, and a client at the level of lines. */

type DeviceName = 'logger' | 'other';

export type Site = Awaited<ReturnType<typeof openSite>>;

const maker = {
  token: null,
  entry: (what = {}) => ({
    ...{ organisation: 'first', at: 0, actor: { kind: 'user', id: 'u' }, channel: 'https', action: 'a' },
    ...{ target: null, outcome: 'done', code: null, before: null, after: null, personal: null, ...what },
  }),
} as unknown as Maker;

/** One authority for all sites of a test: its keys take their time. */
const proofs = (async () => {
  const folder = mkdtempSync(join(tmpdir(), 'loadline-socket-authority-'));
  const authority = await openAuthority({ folder, keys: memoryKeys(), now: Date.now, log: async () => {} });
  const identity = await authority.issueServer({ names: ['localhost'] });
  const renewed = await authority.issueServer({ names: ['elsewhere.example'] });
  rmSync(folder, { recursive: true });
  return { authority, identity, renewed };
})();

/** A reading with its time. */
export const reading = (value: number, name = 'temp'): LineReading => ({
  name,
  value,
  time: 1_795_000_000_000 + value,
});

/**
 * A site with the devices `logger` and `other`; `fresh` gives it others under these names, so that a site serves a whole file:
 * its threads take their time. The clock of connections is the system's, until `clock.stop` is called; plus `clock.offset` (ms).
 */
export async function openSite(policy: SocketPolicy = 'all', metered: MeteringOptions = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'loadline-socket-'));
  let run = 0;
  const clock = {
    offset: 0,
    stopped: undefined as number | undefined,
    /** From now on it moves with `offset` alone. */
    stop: () => {
      clock.stopped = performance.now();
    },
  };
  const monotonic = () => (clock.stopped ?? performance.now()) + clock.offset;
  const now = Date.now;
  const logged: string[] = [];
  const note = (event: string, fields: object = {}) => void logged.push(JSON.stringify({ event, ...fields }));
  const log = { debug: note, info: note, warn: note, error: note };
  const database = { file: join(folder, 'loadline.db'), key: 'a5'.repeat(32) };
  const store = await Store.open(database, assert.unreachable);
  const { authority, identity, renewed } = await proofs;
  await store.change({
    steps: [step('createOrganisation', { id: 'first', name: 'First', created: 0 })],
    audit: [],
  });
  const directory = await Directory.load(store);
  const accounts = await openAccounts({
    folder,
    keys: await openStateKeys({ folder, store, now }),
    store,
    directory,
    page: 'https://x',
    smtp: undefined,
    log,
    now,
  });
  const router = new Router({ store, directory, live: new Live(), now, monotonic });
  /** Deliveries wait here while `held`. */
  const gate = { held: undefined as (() => void)[] | undefined };
  const counted = await openMetering({ store, log, now, monotonic }, metered);
  const door = await SocketDoor.open({
    metering: counted.metering,
    arrivals: counted.arrivals,
    host: '127.0.0.1',
    ports: { tcp: 0, tls: 0, udp: 0 },
    identity,
    directory,
    credentialHolders: accounts.credentialHolders,
    router: {
      deliver(delivery: Delivery, settle: (receipt: Receipt) => void) {
        const go = () => router.deliver(delivery, settle);
        if (gate.held === undefined) go();
        else gate.held.push(go);
      },
    },
    onTlsFailed: () => {},
    log,
    monotonic,
  });
  const { tcp = 0, tls = 0, udp = 0 } = door.ports;
  const site = {
    ...{ door, store, directory, accounts, clock, logged, folder, accounting: counted.accounting },
    ports: { tcp, tls, udp },
    authorityPem: authority.certificatePem,
    /** Another key and certificate for the door. */
    renewed,
    async policy(sockets: SocketPolicy) {
      await store.change({
        steps: [
          step('setOrganisation', {
            ...{ organisation: 'first', name: 'First', isolation: 'basic', secondFactor: 'not-required' },
            ...{ tokenDays: 365, auditDays: 730, sockets, readingsDays: null },
            certificateGraceDays: 0,
            updates: 'on',
          }),
        ],
        audit: [],
      });
      await directory.reload();
    },
    async fresh(policy: SocketPolicy = 'all') {
      gate.held = undefined;
      run += 1;
      const steps = ['logger', 'other'].map((name) =>
        step('addDevice', { id: `${name}-${run}`, organisation: 'first', kind: 'software' }),
      );
      await store.change({ steps, audit: [] });
      await site.policy(policy);
    },
    device(name: DeviceName) {
      const device = directory.device(`${name}-${run}`);
      if (device === undefined) throw new Error(`there is no device ${name}`);
      return device;
    },
    async make(kind: CredentialKind, device: DeviceName = 'logger') {
      const of = site.device(device);
      const made = await accounts.credentials.create(maker, of, { kind, name: 'one', days: null });
      if (made.kind !== 'done') throw new Error(made.detail);
      return { id: made.value.credential.id, secret: made.value.secret };
    },
    async key(device: DeviceName = 'logger'): Promise<SigningKey> {
      const { id, secret } = await site.make('socket-key', device);
      return { id, secret: socketSecret(secret) };
    },
    async revoke(id: string, device: DeviceName = 'logger') {
      const of = site.device(device);
      await accounts.credentials.revoke(maker, of, id);
    },
    /** The values of a series, in the order of their times. */
    async values(name = 'temp', device: DeviceName = 'logger'): Promise<(number | null)[]> {
      const of = site.device(device);
      const tag = of.channels.named(name)?.number ?? -1;
      const range = { aspect: 'heard', from: 0, to: 9e12, points: 5000 } as const;
      const { points } = await store.read('range', { device: of.number, tag, ...range });
      return points.map(([, value]) => value);
    },
    async ledger(device: DeviceName = 'logger') {
      const ledger = await store.read('ledger', {
        device: site.device(device).number,
        limit: 100,
      });
      if (ledger === undefined) throw new Error(`there is no device ${device}`);
      return ledger;
    },
    /** Keeps deliveries from the store until the function that is returned is called. */
    hold(): () => void {
      const held: (() => void)[] = [];
      gate.held = held;
      return () => {
        gate.held = undefined;
        for (const go of held) go();
      };
    },
    /** Deliveries that wait there. */
    waiting: () => gate.held?.length ?? 0,
    async close() {
      gate.held = undefined;
      await door.close();
      await accounts.close();
      await counted.close();
      await store.close();
      rmSync(folder, { recursive: true });
    },
  };
  await site.fresh(policy);
  return site;
}

/** A connection, and the lines that came on it. */
export class LineClient {
  readonly socket: Socket;
  #text = '';

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.#text += text;
    });
    socket.on('error', () => socket.destroy());
  }

  static tcp({ ports }: Site): LineClient {
    return new LineClient(connect({ port: ports.tcp, host: '127.0.0.1', allowHalfOpen: true }));
  }

  static tls({ ports, authorityPem }: Site, options: ConnectionOptions = {}): LineClient {
    return new LineClient(
      connectTls({
        port: ports.tls,
        host: '127.0.0.1',
        servername: 'localhost',
        ca: authorityPem,
        ...options,
      }),
    );
  }

  get lines(): string[] {
    return this.#text.split('\n').slice(0, -1);
  }

  /** Sends lines, each with its end. */
  send(...lines: string[]): void {
    this.socket.write(lines.map((line) => `${line}\n`).join(''));
  }

  /** Sends lines and waits until all that were ever sent have been answered; the newest answers. */
  async ask(...lines: string[]): Promise<string[]> {
    const before = this.lines.length;
    this.send(...lines);
    await this.got(before + lines.length);
    return this.lines.slice(before);
  }

  async got(count: number): Promise<string[]> {
    await until(() => this.lines.length >= count || this.socket.destroyed, `${count} lines`);
    assert.ok(this.lines.length >= count, `closed after ${JSON.stringify(this.lines)}`);
    return this.lines;
  }

  /** Waits for the end of what the cloud says; all of it. */
  async ended(): Promise<string[]> {
    await until(() => this.socket.readableEnded || this.socket.destroyed, 'the end of the connection');
    this.socket.destroy();
    return this.lines;
  }

  close(): void {
    this.socket.destroy();
  }
}
