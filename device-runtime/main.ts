import { parseArgs } from 'node:util';
import { jsonLog } from '@loadline/sdk/platform';
import { autoDetect } from '@serialport/bindings-cpp';
import { systemClock } from './clock/index.ts';
import { type Config, ConfigError, loadConfig } from './config/index.ts';
import { Gateway } from './gateway.ts';
import { IdentityMissing } from './identity/index.ts';
import { Latencies } from './progress.ts';
import { version } from './version.ts';

const usage = `Usage: gateway --config FILE [--progress]
       gateway --config FILE --check-config

Takes readings of T24 transmitters off serial ports, and sends them to the cloud.

  --config FILE    the gateway's configuration, TOML
  --progress       a line a second of frames, readings, acknowledgements and latency
  --check-config   say whether the configuration can be used, and end
  --version        print the version, and end
  --help           print this, and end

The log goes to standard output, one line of JSON an event.
`;

/** Wrong usage or configuration: nothing that trying again could mend. */
const exitUsage = 2;

function fail(message: string): never {
  process.stderr.write(`gateway: ${message}\n`);
  process.exit(exitUsage);
}

function readArguments() {
  try {
    return parseArgs({
      options: {
        config: { type: 'string' },
        progress: { type: 'boolean', default: false },
        'check-config': { type: 'boolean', default: false },
        version: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    return fail(`${(error as Error).message}\n\n${usage}`);
  }
}

function readConfig(file: string | undefined): Config {
  if (file === undefined) return fail(`--config FILE is needed\n\n${usage}`);
  try {
    return loadConfig(file);
  } catch (error) {
    if (error instanceof ConfigError) return fail(`the configuration cannot be used\n${error.message}`);
    throw error;
  }
}

async function run(config: Config, showProgress: boolean): Promise<void> {
  const clock = systemClock();
  const log = jsonLog((line) => process.stdout.write(line), clock.wall);
  const latencies = showProgress ? new Latencies() : undefined;
  let gateway: Gateway;
  try {
    gateway = new Gateway(config, { binding: autoDetect(), clock, log, random: Math.random }, latencies);
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

const options = readArguments();
if (options.help) {
  process.stdout.write(usage);
} else if (options.version) {
  process.stdout.write(`${version}\n`);
} else {
  const config = readConfig(options.config);
  if (options['check-config']) process.stdout.write('the configuration can be used\n');
  else await run(config, options.progress);
}
