import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { type Log, makePrivateFolder } from '@loadline/sdk/platform';
import { openAccounts, openStateKeys } from './accounts.ts';
import { Alarms, describeAlarm, siblings } from './alarms/index.ts';
import { databaseFiles, fileOnly, type KeySources, offerCopies, openingKey } from './at-rest/index.ts';
import { AuditKeeper } from './audit/index.ts';
import { authorityFolder, openAuthority } from './authority/index.ts';
import { AuthorityKeeper } from './authority-keeper.ts';
import { Renewals } from './devices/index.ts';
import { allHandlers, authenticatorOf, Gate, HttpsDoor } from './doors/https/index.ts';
import { MqttDoor } from './doors/mqtt/index.ts';
import { SocketDoor, type SocketPorts } from './doors/socket/index.ts';
import { Downlink } from './downlink/index.ts';
import { openFenced } from './fenced.ts';
import { issuanceRecorder, issuerEnder } from './issuance.ts';
import type { MailConfig } from './mail/index.ts';
import { type MeteringOptions, openMetering } from './metering.ts';
import { gauges, Metrics, measured, OperationsListener, Readiness } from './operations/index.ts';
import { Enrolments, linkUrl } from './people/index.ts';
import { Retention } from './retention/index.ts';
import { Directory, Live, Router } from './router/index.ts';
import { type DatabaseOptions, Store, takeFolder } from './store/index.ts';
import { openUnits } from './units/index.ts';
import { openUpdates } from './updates.ts';

export interface CloudOptions {
  /** Folder of everything it keeps: database, its key, the authority. Made where it is not there. */
  readonly folder: string;
  /** Address both doors listen on. */
  readonly host: string;
  /** Ports; 0 takes a free one. */
  readonly httpsPort: number;
  readonly mqttPort: number;
  /** Milliseconds that a gateway's certificate lives. Default: thirty days. */
  readonly gatewayMilliseconds?: number | undefined;
  /** Ports of the socket door; it listens only where there is one. */
  readonly socketPorts?: SocketPorts;
  /** Names and addresses, beside localhost, that its certificate is to hold. */
  readonly names: readonly string[];
  /** Where the page is for its users, `https://host:port`: links in mails lead there. Default: the first name. */
  readonly page?: string;
  /** The mail server; without one, mails become files in `outbox/` of the folder. */
  readonly smtp?: MailConfig;
  readonly log: Log;
  /** What is limited by how much, and how accounts are kept. */
  readonly metering?: MeteringOptions;
  /** Where metrics and readiness are told in detail; nowhere where it is left out. See `OperationsListener`. */
  readonly operations?: { readonly host: string; readonly port: number; readonly toAnybody: boolean };
  /** Where the database's key may be, besides the state folder. */
  readonly keySources?: KeySources;
  /** See `DatabaseOptions.durability`. */
  readonly durability?: DatabaseOptions['durability'];
}

/** Milliseconds that what is under way at a door is given when the cloud ends: a commit takes less. */
const doorMilliseconds = 5000;

/** A cloud at work. */
export interface Cloud {
  readonly httpsPort: number;
  readonly mqttPort: number;
  /** Where the socket door listens. */
  readonly socketPorts?: SocketPorts;
  /** Of metrics; undefined where there are none. */
  readonly operationsPort?: number | undefined;
  /** The fleet's authority, PEM: what gateways and browsers trust. */
  readonly authorityPem: string;
  /** While there is nobody yet: the one-time link by which the first operator is made. A secret, for no log. */
  readonly setupLink: string | undefined;
  /** Settles, with the reason, when it can no longer do its work: end the process and start it again. */
  readonly failed: Promise<string>;
  /**
   * Ends it in order: it is not ready any more and takes no more connections; what was received is committed and
   * acknowledged; links hear `cloud-stopping`, streams `end`; everything is closed. It takes doorMilliseconds for each
   * door and a few seconds besides, whatever the other ends do.
   */
  close(): Promise<void>;
}

/** Starts a cloud in this process. */
export async function startCloud(options: CloudOptions): Promise<Cloud> {
  const { folder, host, log } = options;
  const now = () => Date.now();
  const monotonic = () => performance.now();
  await makePrivateFolder(folder);
  const leaveFolder = takeFolder(folder);
  const key = await openingKey(folder, options.keySources ?? fileOnly);
  const database = { file: databaseFiles(folder).database, key };
  let fail: (reason: string) => void = () => {};
  const failed = new Promise<string>((resolve) => {
    fail = resolve;
  });
  const store = await Store.open(
    options.durability ? { ...database, durability: options.durability } : database,
    fail,
  );
  const recordIssuance = issuanceRecorder({ store, now });
  const keys = await openStateKeys({ folder, store, now });
  const authority = await openAuthority({
    ...{ folder: authorityFolder(folder), keys, now, log: recordIssuance },
    gatewayMilliseconds: options.gatewayMilliseconds,
  });
  const identity = await authority.issueServer({ names: options.names });
  const { fenced, generation: id, counter } = await store.read('fleet', {});
  if (fenced !== null) {
    return await openFenced({ ...options, identity, authority, store, fenced, failed, leaveFolder });
  }
  const leaveSocket = await offerCopies(folder, store, log);
  const auditKeeper = new AuditKeeper({ store, log, now });
  const directory = await Directory.load(store);
  const retention = await Retention.open({ store, directory, log, now });
  const httpsPort = options.httpsPort === 0 ? await freePort(host) : options.httpsPort;
  const page = options.page ?? `https://${options.names[0] ?? 'localhost'}:${httpsPort}`;
  const accounts = await openAccounts({
    ...{ folder, keys, store, directory, page, smtp: options.smtp, log, now },
  });
  const setup = await accounts.setup.offer();
  const { authentications } = accounts;
  const enrolments = new Enrolments({ store, authentications, recordIssuance, now });
  const { certificateUses } = accounts;
  const renewals = new Renewals({
    ...{ authority, directory, certificateUses, authentications, recordIssuance, now, monotonic },
  });
  const metrics = new Metrics();
  store.onGroup((writes, milliseconds) => metrics.committed(writes, milliseconds));
  const readiness = new Readiness({ folder, store, isFenced: () => false, monotonic });
  const live = new Live();
  const alarms = await Alarms.open({
    ...{ store, directory, mailer: accounts.mailer, log, now },
    onAlarm: (alarm) => {
      metrics.alarmed(alarm.kind);
      live.publishAlarm(alarm.device.organisation, describeAlarm(alarm));
    },
  });
  const updating = await openUpdates({
    ...{ folder, keys, store, directory, live, mailer: accounts.mailer, log, now },
    onHalted: () => metrics.alarmed('rollout-halted'),
  });
  const { updates } = updating;
  const router = new Router({
    ...{ store, directory, live, now, monotonic, generation: { id, counter } },
    onUpdating: updating.onUpdating,
    onSiblings: (device, epochs) => alarms.raise(siblings(device, epochs, now())),
  });
  const downlink = new Downlink(store, now);
  const counted = await openMetering({ store, log, now, monotonic }, options.metering);
  const { metering, arrivals } = counted;
  const mqtt = await MqttDoor.open({
    host,
    port: options.mqttPort,
    identity,
    clientTrust: authority.clientTrust(),
    directory,
    router: measured(router, { door: 'mqtt', metrics, monotonic }),
    metering,
    arrivals,
    downlink,
    updates,
    live,
    store,
    alarms,
    keyHolders: accounts.keyHolders,
    certificateUses,
    credentialHolders: accounts.credentialHolders,
    onSkipped: (messages) => metrics.skipped('mqtt', messages),
    onTlsFailed: () => metrics.tlsFailed('mqtt'),
    authentications,
    log,
    now,
    monotonic,
  });
  const { credentials } = accounts;
  const units = openUnits({ store, directory, credentials, authority, recordIssuance, now });
  const authenticator = authenticatorOf(accounts);
  const { members, grants } = accounts;
  const gate = new Gate({ authenticator, directory, members, grants, now });
  const isConnected = (device: string) => mqtt.isConnected(device);
  const https = await HttpsDoor.open({
    host,
    port: httpsPort,
    identity,
    authority,
    directory,
    enrolments,
    renewals,
    releases: updating.releases,
    certificateUses,
    authentications,
    now,
    router: measured(router, { door: 'https', metrics, monotonic }),
    metering,
    arrivals,
    credentialHolders: accounts.credentialHolders,
    gate,
    ...allHandlers({
      ...{
        ...accounts,
        ...units,
        store,
        directory,
        live,
        downlink,
        retention,
        enrolments,
        isConnected,
        alarms,
        ...updating,
      },
      ...{ metering, now, rootsPem: () => authority.rootsPem },
      onSkipped: (readings) => metrics.skipped('https', readings),
    }),
    acceptMqtt: (socket) => mqtt.accept(socket),
    isReady: async () => (await readiness.reasons()).length === 0,
    onTlsFailed: () => metrics.tlsFailed('https'),
    log,
  });
  const socket = await SocketDoor.open({
    host,
    ports: options.socketPorts ?? {},
    identity,
    directory,
    router: measured(router, { door: 'socket', metrics, monotonic }),
    metering,
    arrivals,
    credentialHolders: accounts.credentialHolders,
    onTlsFailed: () => metrics.tlsFailed('socket'),
    log,
    monotonic,
  });
  const keeper = await AuthorityKeeper.begin({
    ...{ authority, names: options.names, shown: identity, doors: [https, mqtt, socket], log, now },
    endIssuedBy: issuerEnder({ store, directory, now }),
  });
  const { mailer } = accounts;
  metrics.measure(
    gauges({
      ...{ store, database: database.file, live, mqtt, https, socket, mailer, authentications, auditKeeper },
      ...{ accounting: counted.accounting, updating, readiness, now },
    }),
  );
  const operations =
    options.operations && (await OperationsListener.open({ ...options.operations, metrics, readiness, log }));
  return {
    httpsPort: https.port,
    mqttPort: mqtt.port,
    socketPorts: socket.ports,
    operationsPort: operations?.port,
    get authorityPem() {
      return authority.certificatePem;
    },
    setupLink: setup === undefined ? undefined : linkUrl(page, 'setup', setup),
    failed,
    close: async () => {
      readiness.drain();
      await keeper.close();
      // Both at once: neither waits for the slow clients of the other.
      await Promise.all([mqtt, https, socket].map((door) => door.close(doorMilliseconds)));
      await updating.close();
      await alarms.close();
      await accounts.close();
      await counted.close();
      await auditKeeper.close();
      await retention.close();
      await leaveSocket();
      await store.close();
      await operations?.close();
      leaveFolder();
    },
  };
}

/** A port that nobody listens on. */
async function freePort(host: string): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
