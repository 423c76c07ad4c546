import './node-version.ts';
import { parseArgs } from 'node:util';
import { loadDriver } from '@loadline/sdk/driver';
import { jsonLog } from '@loadline/sdk/platform';
import { releaseTarget } from '@loadline/sdk/release';
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
import type { SiteProcess } from './provisioning/index.ts';
import { configurationOf } from './site-paths.ts';
import { madeAt, version } from './version.ts';
import type { World } from './world.ts';

const usage = `Usage: gateway --config FILE | --site DIR --provision-on PORT[,PORT…] --maker FILE [--progress]
       gateway --config FILE | --site DIR --check-config | --destinations
       gateway status --config FILE | --site DIR [--follow] [--json]
       gateway doctor --config FILE | --site DIR [--bundle FILE] [--json]
       gateway reset --site DIR --yes
       gateway network --site DIR [--root DIR] [--in etc|run]
       gateway install

Takes readings of T24 transmitters off serial ports, and sends them to the cloud.

  --config FILE    the gateway's configuration, TOML, made by hand
  --site DIR       what it was provisioned as; the configuration that is in force there
  --progress       a line a second of frames, readings, acknowledgements and latency
  --check-config   say whether the configuration can be used, and end
  --destinations   print every host and port it connects to by this file, for a firewall
  --version        print the version, and end
  --help           print this, and end

With --site, where nothing is in force, it waits to be provisioned (loadline provision):
  --provision-on PORT[,PORT…]  ttys that it answers on: a console, a USB gadget; they need not be there yet
  --maker FILE                 the authorities whose vouchers it takes an owner by, PEM
  --provision-when FILE        answer also where it is provisioned, once this file is neither empty nor 0: put in the
                               boot partition, or the value of a GPIO line
  --serial-number FILE         the board's serial number (default: the device tree's)
  --model FILE                 its model (default: the device tree's)
  --radio-on PORT[,PORT…]      serial ports to look for transmitters on (default: all others)

status asks the gateway that runs with this configuration how it is; with --follow it shows its readings as they
come. doctor says in words what is wrong and what to do; with --bundle it also writes an archive for support, in
which no key, token, password or name is. Exit codes of doctor: 0 nothing, 1 warnings, 2 errors, 3 the gateway
cannot be asked.

reset makes it nobody's: key, certificate, site and journal go; how often it had an owner stays. network writes the
site's network as files of systemd-networkd and wpa_supplicant, for root, and prints what changed; --in run puts them
below /run, for a system that is read-only.

install, for root, puts the release that the gateway has staged into the slot that is free, if it is signed and whole; what
came of it is in install.json. LOADLINE_PREFIX, LOADLINE_STORE and LOADLINE_STATE say where the installation is.

The gateway's log goes to standard output, one line of JSON an event.
`;

/** Wrong usage or configuration: nothing that trying again could mend. */
const exitUsage = 2;

function fail(message: string, code = exitUsage): never {
  process.stderr.write(`gateway: ${message}\n`);
  process.exit(code);
}

/** What a disk or a machine that is short of something says: unlike a wrong configuration, it may pass. */
const passing: ReadonlySet<string | undefined> = new Set([
  ...['EROFS', 'EIO', 'ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN'],
]);

/** Ends what could not be opened: whoever starts it again is told by the code whether that may help. */
function failToOpen(error: NodeJS.ErrnoException): never {
  return fail(error.message, passing.has(error.code) ? 1 : exitUsage);
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        config: { type: 'string' },
        site: { type: 'string' },
        'provision-on': { type: 'string' },
        maker: { type: 'string' },
        'provision-when': { type: 'string' },
        'serial-number': { type: 'string' },
        model: { type: 'string' },
        'radio-on': { type: 'string' },
        yes: { type: 'boolean', default: false },
        root: { type: 'string', default: '/' },
        in: { type: 'string', default: 'etc' },
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

function makeWorld(): World {
  const clock = systemClock();
  return {
    binding: autoDetect(),
    clock,
    log: jsonLog((line) => process.stdout.write(line), clock.wall),
    random: Math.random,
    environment: process.env,
    pid: process.pid,
  };
}

/** A stop that nobody asked for from outside is ended by nobody outside where it hangs. */
function endAnyway(): void {
  setTimeout(() => process.exit(0), 20_000).unref();
}

async function run(local: LocalConfig, showProgress: boolean): Promise<void> {
  const world = makeWorld();
  const { log } = world;
  let gateway: Gateway;
  try {
    gateway = await Gateway.open(local, world, showProgress ? new Latencies() : undefined);
  } catch (error) {
    return failToOpen(error as Error);
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
    if (signal === 'update') endAnyway();
    await gateway.stop();
    if (showProgress) log.info('progress', gateway.progress());
    clearInterval(progress);
    process.exit(0);
  };
  process.on('SIGINT', () => void stop('SIGINT'));
  process.on('SIGTERM', () => void stop('SIGTERM'));
  gateway.onSwitch = () => void stop('update');
  try {
    await gateway.start();
  } catch (error) {
    if (stopping) return;
    if (error instanceof IdentityMissing) fail(error.message);
    throw error;
  }
}

/** Works on what is in force in a folder of sites, or waits for what is to be. */
async function runSites(folder: string): Promise<void> {
  const world = makeWorld();
  const { log } = world;
  // Not needed where a configuration was made by hand.
  const { deviceTree, runSite } = await import('./provisioning/index.ts');
  const listOf = (text: string | undefined) => text?.split(',').filter((path) => path !== '');
  let site: SiteProcess;
  let stopping = false;
  try {
    site = await runSite(
      {
        folder,
        provisionOn: listOf(options['provision-on']) ?? [],
        makerFile: options.maker,
        serialNumberFile: options['serial-number'] ?? deviceTree.serialNumber,
        modelFile: options.model ?? deviceTree.model,
        whenFile: options['provision-when'],
        radioOn: listOf(options['radio-on']),
        latencies: options.progress ? () => new Latencies() : undefined,
        onSwitch: () => void stop('update'),
      },
      world,
    );
  } catch (error) {
    return failToOpen(error as Error);
  }
  const tell = () => {
    const { gateway } = site.work;
    if (options.progress && gateway !== undefined) log.info('progress', gateway.progress());
  };
  const progress = setInterval(tell, 1000);
  async function stop(signal: string): Promise<void> {
    if (stopping) process.exit(1);
    stopping = true;
    log.info('gateway-stopping', { signal });
    if (signal === 'update') endAnyway();
    clearInterval(progress);
    await site.stop();
    process.exit(0);
  }
  process.on('SIGINT', () => void stop('SIGINT'));
  process.on('SIGTERM', () => void stop('SIGTERM'));
}

async function reset(folder: string): Promise<void> {
  if (!options.yes) fail('reset deletes key, certificate, site and journal: say --yes');
  const { resetSite } = await import('./provisioning/index.ts');
  try {
    const { undelivered, ownershipCounter } = await resetSite(folder, { clock: systemClock() });
    process.stdout.write(
      `the gateway is nobody's now; ${undelivered} readings were not delivered, and are gone; it had ${ownershipCounter} owners\n`,
    );
  } catch (error) {
    fail((error as Error).message);
  }
}

async function network(folder: string): Promise<void> {
  const { applyNetwork, networkPlaces } = await import('./provisioning/index.ts');
  if (options.in !== 'etc' && options.in !== 'run') fail(`--in is etc or run, and not ${options.in}`);
  try {
    const { changed, joins, leaves } = await applyNetwork(folder, options.root, networkPlaces[options.in]);
    const lines = [
      ...changed.map((path) => `changed ${path}`),
      ...leaves.map((name) => `leaves ${name}`),
      ...joins.map((name) => `joins ${name}`),
    ];
    for (const line of lines) process.stdout.write(`${line}\n`);
  } catch (error) {
    fail((error as Error).message);
  }
}

async function installStaged(): Promise<void> {
  const { install, layoutOf } = await import('./slots/index.ts');
  const target = releaseTarget.safeParse(`linux-${process.arch}`);
  if (!target.success) fail(`there are no releases for linux-${process.arch}`);
  const log = jsonLog((line) => process.stdout.write(line), Date.now);
  try {
    await install({ layout: layoutOf(process.env), target: target.data, built: madeAt, log });
  } catch (error) {
    fail((error as Error).message, 1);
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
} else if (command === 'install') {
  await installStaged();
} else if (options.config !== undefined && options.site !== undefined) {
  fail(
    `--config is for a configuration made by hand, --site for one that was provisioned: not both\n\n${usage}`,
  );
} else if (options.config === undefined && options.site === undefined) {
  fail(`--config FILE or --site DIR is needed\n\n${usage}`);
} else {
  const { site } = options;
  const file = options.config ?? configurationOf(site as string);
  switch (command) {
    case undefined: {
      if (options['check-config']) await check(readConfig(file));
      else if (options.destinations) {
        const { config } = readConfig(file);
        for (const { host, port } of destinations(config)) process.stdout.write(`${host} ${port}\n`);
      } else if (site === undefined) await run(readConfig(file), options.progress);
      else await runSites(site);
      break;
    }
    case 'reset':
      if (site === undefined) fail('reset is for a gateway that was provisioned: --site DIR');
      await reset(site);
      break;
    case 'network':
      if (site === undefined) fail('network is for a gateway that was provisioned: --site DIR');
      await network(site);
      break;
    case 'status':
      await status(readConfig(file).config.control.socket, options);
      break;
    case 'doctor':
      process.exitCode = await doctorCommand({
        configFile: file,
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
