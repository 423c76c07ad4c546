#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { jsonLog, writeWhole } from '@loadline/sdk/platform';
import { takeKeySources } from './at-rest/index.ts';
import { startCloud } from './cloud.ts';
import { stateCommand } from './commands.ts';
import { loadLimits } from './limits/index.ts';
import { loadMailConfig } from './mail/index.ts';
import { stopper } from './operations/index.ts';

const usage = `usage: loadline-cloud --state DIR [--host ADDRESS] [--https-port N] [--mqtt-port N] [--name NAME]...
       loadline-cloud accounting check --state DIR ...
       loadline-cloud audit verify --state DIR ...
       loadline-cloud authority show|request|install|... --state DIR ...
       loadline-cloud keys list|rotate|replace --state DIR ...
       loadline-cloud ledger check --state DIR ...
       loadline-cloud rekey --state DIR ...
       loadline-cloud releases keys|rotate --state DIR ...
       loadline-cloud backup --state DIR --to DIR ...
       loadline-cloud restore --drill|--promote|--from BACKUP ...

Takes the deliveries of gateways over MQTT/TLS, commits them, and shows them over HTTPS.

  --state DIR      folder of the database, its key and the fleet's authority; made at the first start
  --host ADDRESS   address to listen on (default 127.0.0.1; 0.0.0.0 for every interface)
  --https-port N   port of the page, the REST API and enrolment (default 8443; 0 takes a free one)
  --mqtt-port N    port for gateways (default 8883; 0 takes a free one)
  --socket-port N, --socket-tls-port N, --socket-udp-port N  ports for devices that deliver by socket: plain TCP, TLS,
                   UDP (no default: it does not listen there; 0 takes a free one). An organisation lets in nothing
                   until it says so: see docs/cloud.md
  --certificate-life TIME  how long certificates of gateways live: 10s to 400d, in s, m, h or d (default 30d)
  --name NAME      a host name or address that gateways and browsers call it by; may be repeated
  --page URL       where people find the page, for links in mails (default https://NAME:PORT)
  --mail FILE      how mail is sent (TOML, see docs/cloud.md); without it, mails are files in DIR/outbox
  --limits FILE    what is limited by how much, and how accounts are kept (TOML, see docs/accounting.md)
  --setup-file FILE  write the link of the first start to this file instead of to the console
  --metrics-port N tell metrics (Prometheus) and readiness on this port of the loopback; see docs/operations.md
  --metrics-host ADDRESS  of the loopback; any other only with --metrics-open: then whoever reaches it reads them
  --help           this text

The log goes to standard output, one JSON object a line; the line "listening" names the ports. While nobody
has an account, a one-time link to make the first is printed on standard error. SIGINT or SIGTERM ends it in order,
within 15 seconds; a second one at once.
The database's key is in database.key of the folder, made at the first start; or in the variable
LOADLINE_DATABASE_KEY, or the systemd credential loadline-database-key. Where two are given they must be equal.
The other forms work on a state folder; each has a --help of its own. audit verifies the audit log, authority looks
after roots and issuing certificates, accounting adds up what was used, keys changes the
keys of keys.json, rekey that of the database, ledger checks the accounts against what is stored, backup and restore copy.
`;

function fail(message: string): never {
  process.stderr.write(`loadline-cloud: ${message}\nTry --help.\n`);
  process.exit(2);
}

function port(text: string, option: string): number {
  const value = Number(text);
  if (/^\d{1,5}$/.test(text) && value <= 65_535) return value;
  return fail(`--${option} ${text}: not a port; give a number from 0 to 65535`);
}

const units = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

function life(text: string): number {
  const [, count = '', unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const milliseconds = Number(count) * units[unit as keyof typeof units];
  if (milliseconds >= 10 * units.s && milliseconds <= 400 * units.d) return milliseconds;
  return fail(`--certificate-life ${text}: give a time from 10s to 400d, such as 30d or 12h`);
}

function portIfAny(text: string | undefined, option: string): number | undefined {
  return text === undefined ? undefined : port(text, option);
}

function parse() {
  try {
    return parseArgs({
      options: {
        state: { type: 'string' },
        host: { type: 'string', default: '127.0.0.1' },
        'https-port': { type: 'string', default: '8443' },
        'mqtt-port': { type: 'string', default: '8883' },
        'socket-port': { type: 'string' },
        'socket-tls-port': { type: 'string' },
        'socket-udp-port': { type: 'string' },
        'certificate-life': { type: 'string', default: '30d' },
        name: { type: 'string', multiple: true, default: [] },
        page: { type: 'string' },
        mail: { type: 'string' },
        limits: { type: 'string' },
        'setup-file': { type: 'string' },
        'metrics-port': { type: 'string' },
        'metrics-host': { type: 'string', default: '127.0.0.1' },
        'metrics-open': { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    return fail((error as Error).message);
  }
}

/** Hands the link of the first start to who started it: to the console or a file of his own, and to no log. */
async function handOver(link: string, file: string | undefined): Promise<void> {
  if (file !== undefined) await writeWhole(file, `${link}\n`, 0o600);
  else
    process.stderr.write(`\nNobody has an account yet. Make the first one, within a day:\n\n  ${link}\n\n`);
}

// Whatever it makes is its owner's alone: database, log of it, keys.
process.umask(0o077);

// Before any thread is started: each gets a copy of the environment.
const sources = takeKeySources(process.env);

const command = stateCommand(process.argv[2]);
if (command !== undefined) {
  const { stdout: out, stderr: err } = process;
  process.exit(await command(process.argv.slice(3), { out, err, sources, now: () => Date.now() }));
}

const values = parse();
if (values.help) {
  process.stdout.write(usage);
  process.exit(0);
}
if (values.state === undefined) fail('--state is missing: where shall the readings be kept?');

const log = jsonLog(
  (line) => process.stdout.write(line),
  () => Date.now(),
);

try {
  const cloud = await startCloud({
    folder: values.state,
    host: values.host,
    httpsPort: port(values['https-port'], 'https-port'),
    mqttPort: port(values['mqtt-port'], 'mqtt-port'),
    socketPorts: {
      tcp: portIfAny(values['socket-port'], 'socket-port'),
      tls: portIfAny(values['socket-tls-port'], 'socket-tls-port'),
      udp: portIfAny(values['socket-udp-port'], 'socket-udp-port'),
    },
    gatewayMilliseconds: life(values['certificate-life']),
    names: values.name,
    ...(values.page !== undefined && { page: values.page }),
    ...(values.mail !== undefined && { smtp: await loadMailConfig(values.mail) }),
    ...(values.limits !== undefined && { metering: await loadLimits(values.limits) }),
    keySources: sources,
    ...(values['metrics-port'] !== undefined && {
      operations: {
        host: values['metrics-host'],
        port: port(values['metrics-port'], 'metrics-port'),
        toAnybody: values['metrics-open'],
      },
    }),
    log,
  });
  if (cloud.setupLink !== undefined) await handOver(cloud.setupLink, values['setup-file']);
  const { httpsPort, mqttPort, operationsPort: metricsPort } = cloud;
  const { tcp: socketPort, tls: socketTlsPort, udp: socketUdpPort } = cloud.socketPorts ?? {};
  const ports = { httpsPort, mqttPort, metricsPort, socketPort, socketTlsPort, socketUdpPort };
  log.info('listening', { host: values.host, ...ports });
  void cloud.failed.then((reason) => {
    log.error('cloud-failed', { reason });
    process.exit(1);
  });
  const stop = stopper({ close: () => cloud.close(), exit: (code) => process.exit(code), log });
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
} catch (error) {
  const { code, message, port: taken } = error as NodeJS.ErrnoException & { port?: number };
  const reason = code === 'EADDRINUSE' ? `port ${taken} is taken: choose another` : message;
  process.stderr.write(`loadline-cloud: ${reason}\n`);
  process.exit(1);
}
