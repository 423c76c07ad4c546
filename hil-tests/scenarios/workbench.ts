import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundlePath, leanStart } from '@loadline/device-runtime';
import {
  until,
  VirtualBaseStation,
  VirtualCable,
  VirtualPort,
  VirtualRadio,
  type VirtualTransmitter,
  windTransmitter,
} from '../rig/index.ts';
import { CloudProcess, Service } from '../system/index.ts';

/** A line of `loadline provision --json`. */
export interface Told {
  readonly event: string;
  readonly [member: string]: unknown;
}

/** How a command of the tool ended. */
export interface ToolEnd {
  readonly code: number | null;
  readonly events: readonly Told[];
  /** The last event of all that ends by itself. */
  readonly result: Told | undefined;
  readonly out: string;
  readonly errors: string;
}

/** A command of the tool at work. */
export interface ToolRun {
  readonly child: ChildProcess;
  readonly ended: Promise<ToolEnd>;
  /** Waits until it has told such an event. */
  told(what: string, wanted: (event: Told) => boolean): Promise<Told>;
}

/** What passed over the cable. */
export interface Passed {
  readonly fromTool: Buffer;
  readonly fromGateway: Buffer;
}

export interface WorkbenchOptions {
  /** Serial number of the board. */
  readonly serialNumber?: string;
  /** Seconds of patience of the tool for a line that is gone. */
  readonly wait?: number;
  /** Its folder, which stays when it is closed, and in which there may be a cloud's state already. Default: one of its own. */
  readonly folder?: string;
  /** Seconds that a gateway has for hearing its sensors, and for its first reading. Default: 20 and 30. */
  readonly seconds?: { readonly listen: number; readonly trial: number };
  /** What the cloud is called by boards that are not on this machine. Default: localhost, and there are none. */
  readonly cloudName?: string;
  /** What is on the air. Default: one transmitter of wind. */
  readonly transmitters?: readonly VirtualTransmitter[];
  /** Milliseconds that anything may take. Default: a minute. */
  readonly patience?: number;
}

const main = fileURLToPath(new URL('../../tools/main.ts', import.meta.url));
/** Milliseconds that anything here may take where nothing else is said. */
const usualPatience = 60_000;

/** The scopes of a technician's token that is made for nothing but this. */
const scopesToProvision = [
  'vouchers.create',
  'device.get',
  'devices.create',
  'certificates.create',
  'provisionings.create',
  'ledger.get',
];

/**
 * A technician's bench: a cloud, a board that is nobody's with the shipped gateway on it, a base station with a transmitter,
 * and a cable from the board to the machine on which the shipped tool runs.
 */
export class Workbench {
  readonly folder: string;
  readonly cloud: CloudProcess;
  readonly cable: VirtualCable;
  readonly radioPort: VirtualPort;
  readonly serialNumber: string;
  readonly radio: VirtualRadio;
  readonly #cloudName: string;
  readonly #patience: number;
  readonly #seconds: { readonly listen: number; readonly trial: number };
  readonly #isOwnFolder: boolean;
  readonly #wait: number;
  readonly #passed: { fromTool: Buffer[]; fromGateway: Buffer[] };
  readonly #tools = new Set<ChildProcess>();
  #gateway: Service | undefined;
  /** All that every gateway process and every tool printed, for whoever looks for secrets. */
  readonly printed: string[] = [];

  private constructor(
    parts: Pick<Workbench, 'folder' | 'cloud' | 'cable' | 'radioPort' | 'serialNumber' | 'radio'> & {
      cloudName: string;
      patience: number;
      seconds: { readonly listen: number; readonly trial: number };
      isOwnFolder: boolean;
      wait: number;
      passed: { fromTool: Buffer[]; fromGateway: Buffer[] };
    },
  ) {
    this.folder = parts.folder;
    this.cloud = parts.cloud;
    this.cable = parts.cable;
    this.radioPort = parts.radioPort;
    this.serialNumber = parts.serialNumber;
    this.radio = parts.radio;
    this.#cloudName = parts.cloudName;
    this.#patience = parts.patience;
    this.#seconds = parts.seconds;
    this.#isOwnFolder = parts.isOwnFolder;
    this.#wait = parts.wait;
    this.#passed = parts.passed;
  }

  /** Prepares all of it, and starts all but the gateway. */
  static async prepare(options: WorkbenchOptions = {}): Promise<Workbench> {
    const { serialNumber = 'SIM-0001', wait = 5, cloudName, patience = usualPatience } = options;
    const { transmitters = [windTransmitter({ tag: 0x25df, intervalMs: 100 })] } = options;
    const { seconds = { listen: 20, trial: 30 } } = options;
    const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'loadline-bench-')));
    const isOwnFolder = options.folder === undefined;
    const reach = cloudName === undefined ? {} : { host: '0.0.0.0', names: [cloudName] };
    const logFile = join(folder, 'cloud.log');
    const cloud = await CloudProcess.start({ ...reach, state: join(folder, 'cloud'), logFile });
    const passed = { fromTool: [] as Buffer[], fromGateway: [] as Buffer[] };
    const cable = await VirtualCable.open({
      folder: join(folder, 'cable'),
      names: { left: 'tool', right: 'console' },
      through: (bytes, from) => {
        (from === 'left' ? passed.fromTool : passed.fromGateway).push(Buffer.from(bytes));
        return bytes;
      },
    });
    const radioPort = await VirtualPort.open({ folder: join(folder, 'dev') });
    const radio = new VirtualRadio(new VirtualBaseStation(radioPort), transmitters);
    radio.start();
    const places = { folder, cloudName: cloudName ?? 'localhost', patience, seconds, isOwnFolder, wait };
    const bench = new Workbench({ ...places, cloud, cable, radioPort, serialNumber, radio, passed });
    await mkdir(bench.file('board'), { recursive: true });
    await writeFile(bench.file('board/serial-number'), `${serialNumber}\n`);
    await writeFile(bench.file('board/model'), 'Simulated board\n');
    await writeFile(bench.file('board/maker.pem'), cloud.authorityPem);
    await writeFile(bench.file('authority.pem'), cloud.authorityPem);
    return bench;
  }

  file(name: string): string {
    return join(this.folder, name);
  }

  /** Where the gateway keeps what it is. */
  get site(): string {
    return this.file('board/site');
  }

  /** Starts the gateway, for the first time or again; resolves when it answers on its console, or works. */
  async startGateway(): Promise<void> {
    const service = new Service({
      name: 'gateway',
      file: bundlePath,
      args: [
        ...['--site', this.site, '--provision-on', this.cable.right.path],
        ...['--maker', this.file('board/maker.pem'), '--serial-number', this.file('board/serial-number')],
        ...['--model', this.file('board/model'), '--radio-on', this.radioPort.path],
        ...['--provision-when', this.file('board/act')],
      ],
      ...leanStart,
    });
    this.#gateway = service;
    service.onLine((line) => this.printed.push(JSON.stringify(line)));
    await until(
      () => {
        if (service.end !== undefined) throw new Error(`the gateway ended: ${service.errors}`);
        return service.log.some(
          ({ event }) => event === 'provisioning-port-open' || event === 'uplink-connected',
        );
      },
      { limitMs: this.#patience, what: 'the gateway is there' },
    );
  }

  get gateway(): Service {
    if (this.#gateway === undefined) throw new Error('the gateway has not been started');
    return this.#gateway;
  }

  /** Ends the gateway; SIGKILL is a power cut, as far as a process knows. */
  async stopGateway(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const { errors } = this.gateway;
    await this.gateway.stop(signal);
    this.printed.push(errors);
  }

  /** Does the physical act, or undoes it. */
  async act(isDone: boolean): Promise<void> {
    await writeFile(this.file('board/act'), isDone ? '1\n' : '0\n');
  }

  /** Has the gateway, whose mode is over or ends now, answer again: the act is undone, and done anew. */
  async reopenMode(): Promise<void> {
    const times = (state: string) =>
      this.gateway.log.filter((line) => line.event === 'provisioning-mode' && line.state === state).length;
    await until(() => times('closed') === times('open'), {
      limitMs: this.#patience,
      what: 'the mode is over',
    });
    const before = times('open');
    await this.act(false);
    await until(() => !existsSync(join(this.site, 'spent')), {
      limitMs: this.#patience,
      what: 'the act has been undone',
    });
    await this.act(true);
    await until(() => times('open') > before, { limitMs: this.#patience, what: 'the mode is open again' });
  }

  /** An API token with these scopes, for a technician's script. */
  async token(name: string, scopes: readonly string[] = scopesToProvision): Promise<string> {
    const { value: token } = await this.cloud.organisation.createToken({
      body: { name, scopes: [...scopes] as never, days: 1 },
    });
    this.cloud.service.watchFor(token, `the token ${name}`);
    return token;
  }

  /** Writes a site file; what is given goes below what every site says. */
  async siteFile(id: string, more = '', name = 'site.toml'): Promise<string> {
    const path = this.file(name);
    await writeFile(
      path,
      `where = "a bench, 53.54 N 9.97 E"

[gateway]
id = "${id}"
name = "Bench ${id}"

[uplink]
host = "${this.#cloudName}"
port = ${this.cloud.mqttPort}

[health]
after_quiet_ms = 150

[provision]
listen_seconds = ${this.#seconds.listen}
trial_seconds = ${this.#seconds.trial}

[[sensors]]
tag = "25DF"
name = "Wind"
unit = "m/s"
${more}`,
    );
    return path;
  }

  /** Starts `loadline` with these words, as whoever has that token; without one, as nobody. */
  start(words: readonly string[], token?: string): ToolRun {
    const child = spawn(process.execPath, [...process.execArgv, main, ...words], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, XDG_CONFIG_HOME: this.file('home'), ...this.as(token) },
    });
    this.#tools.add(child);
    const said = { out: '', errors: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said.out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said.errors += text;
    });
    const events = () =>
      said.out
        .split('\n')
        .slice(0, -1)
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as Told);
    const ended = new Promise<ToolEnd>((resolve) => {
      child.once('close', (code) => {
        this.#tools.delete(child);
        this.printed.push(said.out, said.errors);
        const all = events();
        const result = all.findLast(({ event }) => event === 'result');
        resolve({ code, events: all, result, ...said });
      });
    });
    return {
      child,
      ended,
      told: (what, wanted) =>
        until(() => events().find(wanted), {
          limitMs: this.#patience,
          what: `${what}; it said ${said.errors}`,
        }),
    };
  }

  /** Provisions the board with a site file, unattended, to the end. */
  async provision(siteFile: string, token?: string, more: readonly string[] = []): Promise<ToolEnd> {
    return await this.startProvision(siteFile, token, more).ended;
  }

  startProvision(siteFile: string, token?: string, more: readonly string[] = []): ToolRun {
    return this.start(this.words(siteFile, more), token);
  }

  words(siteFile: string, more: readonly string[] = []): string[] {
    const { path } = this.cable.left;
    return [
      'provision',
      '--port',
      path,
      '--config',
      siteFile,
      '--json',
      '--wait',
      String(this.#wait),
      ...more,
    ];
  }

  /** The environment of somebody who has a token. */
  as(token: string | undefined): Record<string, string> {
    if (token === undefined) return {};
    return {
      LOADLINE_URL: `https://${this.#cloudName}:${this.cloud.httpsPort}`,
      LOADLINE_TOKEN: token,
      LOADLINE_AUTHORITY: this.file('authority.pem'),
    };
  }

  /** What passed over the cable so far. */
  get passed(): Passed {
    return {
      fromTool: Buffer.concat(this.#passed.fromTool),
      fromGateway: Buffer.concat(this.#passed.fromGateway),
    };
  }

  /** Waits until the cloud has stored so many readings of a gateway. */
  async stored(id: string, count: number): Promise<number> {
    return await until(
      async () => {
        const { readings } = await this.cloud.organisation.getLedger({ device: id });
        await new Promise((resolve) => setTimeout(resolve, 100));
        return readings.stored >= count ? readings.stored : undefined;
      },
      { limitMs: this.#patience, what: `${count} readings of ${id} are stored` },
    );
  }

  /** Ends everything and removes the folder. */
  async close(): Promise<void> {
    for (const child of this.#tools) child.kill('SIGKILL');
    await this.#gateway?.stop();
    this.radio.stop();
    await this.radioPort.close();
    await this.cable.close();
    await this.cloud.service.stop();
    if (this.#isOwnFolder) await rm(this.folder, { recursive: true, force: true });
  }
}
