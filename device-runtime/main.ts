import './node-version.ts';
import { parseArgs } from 'node:util';
import { loadDriver } from '@loadline/sdk/driver';
import { jsonLog } from '@loadline/sdk/platform';
import { autoDetect } from '@serialport/bindings-cpp';
import { readAuthority } from './authority.ts';
import { systemClock } from './clock/index.ts';
import { ConfigError, type LocalConfig, loadConfig } from './config/index.ts';
import { statusCommand } from './control/index.ts';
import { doctorCommand } from './doctor/index.ts';
import { Gateway } from './gateway.ts';
import { IdentityMissing } from './identity/index.ts';
import { destinations } from './packaging/index.ts';
import { Latencies } from './progress.ts';
import { version } from './version.ts';

const usage = `Usage: gateway --config FILE [--progress]
       gateway --config FILE --check-config | --destinations
       gateway status --config FILE [--follow] [--json]
       gateway doctor --config FILE [--bundle FILE] [--json]

Takes readings of T24 transmitters off serial ports, and sends them to the cloud.

  --config FILE    the gateway's configuration, TOML
  --progress       a line a second of frames, readings, acknowledgements and latency
  --check-config   say whether the configuration can be used, and end
  --destinations   print every host and port it connects to by this file, for a firewall
  --version        print the version, and end
  --help           print this, and end

status asks the gateway that runs with this configuration how it is; with --follow it shows its readings as they
come. doctor says in words what is wrong and what to do; with --bundle it also writes an archive for support, in
which no key, token, password or name is. Exit codes of doctor: 0 nothing, 1 warnings, 2 errors, 3 the gateway
cannot be asked.

The gateway's log goes to standard output, one line of JSON an event.
`;

/** Wrong usage or configuration: nothing that trying again could mend. */
const exitUsage = 2;

function fail(message: string, code = exitUsage): never {
  process.stderr.write(`gateway: ${message}\n`);
  process.exit(code);
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        config: { type: 'string' },
        progress: { type: 'boolean', default: false },
        'check-config': { type: 'boolean', default: false },
        destinations: { type: 'boolean', default: false },
        follow: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        bundle: { type: 'string' },
        version: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    return fail(`${(error as Error).message}\n\n${usage}`);
  }
}

function readConfig(file: string): LocalConfig {
  try {
    return loadConfig(file);
  } catch (error) {
    if (error instanceof ConfigError) return fail(`the configuration cannot be used\n${error.message}`);
    throw error;
  }
}

/** Reads besides what the file only names: the authority, and drivers of the integrator's own. */
async function check({ config }: LocalConfig): Promise<void> {
  try {
    readAuthority(config.uplink.authority);
    await Promise.all(config.drivers.map(loadDriver));
  } catch (error) {
    return fail(`the configuration cannot be used\n${(error as Error).message}`);
  }
  process.stdout.write('the configuration can be used\n');
}

async function run(local: LocalConfig, showProgress: boolean): Promise<void> {
  const clock = systemClock();
  const log = jsonLog((line) => process.stdout.write(line), clock.wall);
  const world = {
    binding: autoDetect(),
    clock,
    log,
    random: Math.random,
    environment: process.env,
    pid: process.pid,
  };
  let gateway: Gateway;
  try {
    gateway = await Gateway.open(local, world, showProgress ? new Latencies() : undefined);
  } catch (error) {
    return fail((error as Error).message);
  }
  const progress = showProgress
    ? setInterval(() => log.info('progress', gateway.progress()), 1000)
    : undefined;
  let stopping = false;
  const stop = async (signal: string): Promise<void> => {
    // A second signal means: now.
    if (stopping) process.exit(1);
    stopping = true;
    log.info('gateway-stopping', { signal });
    await gateway.stop();
    if (showProgress) log.info('progress', gateway.progress());
    clearInterval(progress);
    process.exit(0);
  };
  process.on('SIGINT', () => void stop('SIGINT'));
  process.on('SIGTERM', () => void stop('SIGTERM'));
  try {
    await gateway.start();
  } catch (error) {
    if (stopping) return;
    if (error instanceof IdentityMissing) fail(error.message);
    throw error;
  }
}

async function status(socket: string, options: { follow: boolean; json: boolean }): Promise<void> {
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort());
  process.exitCode = await statusCommand({
    socket,
    ...options,
    write: (text) => process.stdout.write(text),
    fail: (text) => process.stderr.write(text),
    signal: interrupted.signal,
  });
}

const { values: options, positionals } = readArguments();
const [command, ...rest] = positionals;
if (rest.length > 0) fail(`${rest.join(' ')}: what is that?\n\n${usage}`);
if (options.help) {
  process.stdout.write(usage);
} else if (options.version) {
  process.stdout.write(`${version}\n`);
} else if (options.config === undefined) {
  fail(`--config FILE is needed\n\n${usage}`);
} else {
  switch (command) {
    case undefined: {
      const local = readConfig(options.config);
      if (options['check-config']) await check(local);
      else if (options.destinations) {
        for (const { host, port } of destinations(local.config)) process.stdout.write(`${host} ${port}\n`);
      } else await run(local, options.progress);
      break;
    }
    case 'status':
      await status(readConfig(options.config).config.control.socket, options);
      break;
    case 'doctor':
      process.exitCode = await doctorCommand({
        configFile: options.config,
        json: options.json,
        bundle: options.bundle,
        write: (text) => process.stdout.write(text),
        wall: () => Date.now(),
      });
      break;
    default:
      fail(`there is no command ${command}\n\n${usage}`);
  }
}
