import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as elapsed } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { until } from '../rig/index.ts';
import { needs } from '../runner/debian.ts';
import type { GatewayIdentity } from '../system/mqtt-gateway.ts';
import { makeIdentities } from './identities.ts';
import type { SubscriberOrder, SubscriberState } from './stack-subscriber.ts';

const user = 'loadline';

/** One line that says why there is none here; undefined where there can be. */
export async function stackMissing(): Promise<string | undefined> {
  for (const found of [await needs('mosquitto'), await needs('pg_lsclusters', 'postgresql')]) {
    if (found !== true) return found;
  }
  return undefined;
}

/**
 * What a user would put together instead: mosquitto with client certificates, a subscriber, and PostgreSQL, all as Debian
 * has them, but for mosquitto's queue: a thousand messages by default, past which it throws away what it has acknowledged.
 */
export class Stack {
  readonly port: number;
  /** Of each gateway asked for. */
  readonly identities: readonly GatewayIdentity[];
  readonly #broker: ChildProcess;
  readonly #postgres: ChildProcess;
  readonly #subscriber: ChildProcess;
  readonly #folder: string;

  private constructor(parts: {
    port: number;
    identities: readonly GatewayIdentity[];
    broker: ChildProcess;
    postgres: ChildProcess;
    subscriber: ChildProcess;
    folder: string;
  }) {
    this.port = parts.port;
    this.identities = parts.identities;
    this.#broker = parts.broker;
    this.#postgres = parts.postgres;
    this.#subscriber = parts.subscriber;
    this.#folder = parts.folder;
  }

  /** Starts all three in a folder; gateways of these names may publish. */
  static async start(folder: string, names: readonly string[]): Promise<Stack> {
    mkdirSync(folder, { recursive: true });
    // The database is not root's: it has to get at its own folder in here.
    chmodSync(folder, 0o711);
    const { server, clients } = await makeIdentities([...names, 'subscriber']);
    const port = await freePort();
    const broker = startBroker(folder, port, server);
    const postgres = await startPostgres(folder);
    await until(() => answers(port), { what: 'mosquitto listens' });
    const subscriber = fork(fileURLToPath(new URL('./stack-subscriber.ts', import.meta.url)));
    const identity = clients.at(-1) as GatewayIdentity;
    subscriber.send({ brokerPort: port, identity, socketFolder: folder, user } satisfies SubscriberOrder);
    await Promise.race([
      once(subscriber, 'message'),
      once(subscriber, 'exit').then(() => {
        throw new Error('the subscriber ended');
      }),
    ]);
    return new Stack({ port, identities: clients.slice(0, -1), broker, postgres, subscriber, folder });
  }

  /** All processes that work: broker, subscriber, the database's own. */
  get pids(): number[] {
    const [broker, postgres, subscriber] = [this.#broker, this.#postgres, this.#subscriber].map(
      ({ pid }) => pid ?? 0,
    );
    return [broker, subscriber, postgres, ...childrenOf(postgres ?? 0)].map(Number);
  }

  /** What the subscriber has committed. */
  async committed(): Promise<SubscriberState> {
    const answer = once(this.#subscriber, 'message');
    this.#subscriber.send('how far');
    return ((await answer) as [SubscriberState])[0];
  }

  /** Rows in the database, and bytes of its table and index. */
  async stored(): Promise<{ readonly rows: number; readonly bytes: number }> {
    const client = await database(this.#folder);
    const { rows } = await client.query(
      "SELECT count(*)::int AS rows, pg_total_relation_size('reading')::float8 AS bytes FROM reading",
    );
    await client.end();
    return rows[0];
  }

  async stop(): Promise<void> {
    this.#subscriber.disconnect();
    for (const [child, signal] of [
      [this.#broker, 'SIGTERM'],
      // Fast shutdown: it does not wait for clients.
      [this.#postgres, 'SIGINT'],
    ] as const) {
      if (child.exitCode !== null) continue;
      child.kill(signal);
      await once(child, 'exit');
    }
  }
}

function startBroker(folder: string, port: number, server: GatewayIdentity): ChildProcess {
  const file = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const config = [
    `listener ${port} 127.0.0.1`,
    `cafile ${file('ca.pem', server.authorityPem)}`,
    `certfile ${file('server.pem', server.chainPem)}`,
    `keyfile ${file('server.key', server.privateKeyPem)}`,
    'require_certificate true',
    'use_identity_as_username true',
    `acl_file ${file('acl', 'pattern write gw/%u/telemetry\nuser subscriber\ntopic read gw/+/telemetry\n')}`,
    'persistence false',
    'set_tcp_nodelay true',
    'max_queued_messages 0',
    'max_inflight_messages 1000',
    'log_type error',
    // Started by root, it would become another who may not read these files.
    ...(process.getuid?.() === 0 ? ['user root'] : []),
  ];
  return spawn('mosquitto', ['-c', file('mosquitto.conf', `${config.join('\n')}\n`)], { stdio: 'ignore' });
}

async function startPostgres(folder: string): Promise<ChildProcess> {
  const versions = readdirSync('/usr/lib/postgresql').sort((a, b) => Number(b) - Number(a));
  const bin = (name: string) => `/usr/lib/postgresql/${versions[0]}/bin/${name}`;
  const data = join(folder, 'postgres');
  mkdirSync(data, { mode: 0o700 });
  // It refuses to be root's.
  const isRoot = process.getuid?.() === 0;
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  const owner = isRoot ? { uid: id('-u'), gid: id('-g') } : {};
  if (owner.uid !== undefined && owner.gid !== undefined) {
    chownSync(data, owner.uid, owner.gid);
    chownSync(folder, owner.uid, owner.gid);
  }
  execFileSync(bin('initdb'), ['-D', data, '-U', user, '-A', 'trust', '--no-instructions'], {
    ...owner,
    cwd: folder,
    stdio: 'ignore',
  });
  const settings = ['listen_addresses=', 'fsync=on', 'synchronous_commit=on', 'shared_buffers=512MB'];
  const postgres = spawn(
    bin('postgres'),
    ['-D', data, '-k', folder, ...settings.flatMap((one) => ['-c', one])],
    {
      ...owner,
      cwd: folder,
      stdio: 'ignore',
    },
  );
  const client = await until(() => database(folder).catch(() => undefined), {
    limitMs: 30_000,
    what: 'PostgreSQL to answer',
  });
  await client.query(
    'CREATE TABLE reading (gateway text NOT NULL, sensor text NOT NULL, time timestamptz NOT NULL, ' +
      'value real NOT NULL, rssi smallint NOT NULL, cv smallint NOT NULL)',
  );
  await client.query('CREATE INDEX ON reading (gateway, sensor, time)');
  await client.end();
  return postgres;
}

async function database(folder: string): Promise<Client> {
  const client = new Client({ host: folder, user, database: 'postgres' });
  await client.connect();
  return client;
}

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
        return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent;
      } catch {
        // It is no process, or none any more.
        return false;
      }
    });
}

/** A port that was free a moment ago: mosquitto does not choose one. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    await elapsed(50);
    return false;
  } finally {
    socket.destroy();
  }
}
