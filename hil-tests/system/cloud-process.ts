import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cloudProgram } from '@loadline/cloud';
import { CloudClient, type OrganisationClient } from '@loadline/sdk/client';
import { readIfThere, writeWhole } from '@loadline/sdk/platform';
import { Service, type ServiceOptions } from './service.ts';

/** How a cloud is started. */
export interface CloudProcessOptions {
  /** The cloud's state folder. */
  readonly state: string;
  /** Default 0: a free one. */
  readonly httpsPort?: number;
  readonly mqttPort?: number;
  /** Address its doors listen on. Default: the cloud's own, which is this machine's alone. */
  readonly host?: string;
  /** Names its certificate is to hold besides localhost. */
  readonly names?: readonly string[];
  readonly logFile?: string;
  /** Whether it tells its metrics, on a free port. Default: it does not. */
  readonly metrics?: boolean;
  /** The file of its limits. Default: the usual ones. */
  readonly limits?: string;
  /** How long certificates of gateways live, as its option has it, such as "12s". Default: the usual thirty days. */
  readonly certificateLife?: string;
  /** Where it listens for devices that deliver by socket. Default: nowhere. */
  readonly sockets?: SocketPorts;
  /** The program to start. Default: the shipped one. */
  readonly program?: URL;
}

/** Where devices deliver by socket; of a cloud that does not listen for them, 0. */
export interface SocketPorts {
  readonly tcp: number;
  readonly tls: number;
  readonly udp: number;
}

/** To listen for devices that deliver by socket on any ports that are free. */
export const freeSocketPorts: SocketPorts = { tcp: 0, tls: 0, udp: 0 };

/** Milliseconds that it has to listen: how fast a machine is that does much else is no test of it. */
const startMs = 90_000;

/** Who logs in: the first operator, who administrates the first organisation too. */
export interface Login {
  readonly email: string;
  readonly password: string;
}

/** What the first start makes besides that person. */
const organisation = { id: 'first', name: 'First organisation' };
const operator = { email: 'operator@example.org', name: 'Operator' };

/** A cloud in a process of its own, and a client logged in to it. */
export class CloudProcess {
  readonly service: Service;
  readonly client: CloudClient;
  readonly httpsPort: number;
  readonly mqttPort: number;
  readonly socketPorts: SocketPorts;
  /** PEM of the authority that its certificate and all gateways' come from. */
  readonly authorityPem: string;
  readonly login: Login;
  /** The client, within the organisation that all of this belongs to. */
  readonly organisation: OrganisationClient;

  private constructor(
    parts: Pick<
      CloudProcess,
      'service' | 'httpsPort' | 'mqttPort' | 'socketPorts' | 'authorityPem' | 'login'
    >,
  ) {
    this.service = parts.service;
    this.httpsPort = parts.httpsPort;
    this.mqttPort = parts.mqttPort;
    this.socketPorts = parts.socketPorts;
    this.authorityPem = parts.authorityPem;
    this.login = parts.login;
    this.client = new CloudClient({ url: this.url, authorityPem: parts.authorityPem });
    this.organisation = this.client.organisation(organisation.id);
  }

  /** Address of the page and the REST API. */
  get url(): string {
    return `https://localhost:${this.httpsPort}`;
  }

  /**
   * Starts it, waits until it listens, and logs in. At the first start of a state folder the first operator is made, by
   * the link that the cloud hands out once; his login is kept beside the folder.
   */
  static async start(options: CloudProcessOptions): Promise<CloudProcess> {
    const { state } = options;
    const service = startCloudService(options);
    try {
      const listening = await service.line('listening', startMs);
      const cloud = new CloudProcess({
        service,
        httpsPort: listening.httpsPort as number,
        mqttPort: listening.mqttPort as number,
        socketPorts: {
          tcp: Number(listening.socketPort ?? 0),
          tls: Number(listening.socketTlsPort ?? 0),
          udp: Number(listening.socketUdpPort ?? 0),
        },
        authorityPem: readFileSync(join(state, 'authority/authority.pem'), 'utf8'),
        login: await loginOf(state),
      });
      await cloud.#enter(setupFile(state));
      return cloud;
    } catch (error) {
      await service.stop();
      throw error;
    }
  }

  async #enter(setup: string): Promise<void> {
    const link = await readIfThere(setup);
    if (link !== undefined) {
      const secret = new URLSearchParams(new URL(link.trim()).hash.slice(1)).get('setup') ?? '';
      this.service.watchFor(secret, 'the secret of the setup link');
      await this.client.setUp({ body: { secret, ...operator, password: this.login.password, organisation } });
      await rm(setup);
    }
    this.service.watchFor(this.login.password, 'a password');
    await this.client.logIn({ body: this.login });
    for (const [name, value] of Object.entries(this.client.cookies)) {
      this.service.watchFor(value, `a cookie ${name}`);
    }
  }
}

/** Starts the program and waits for nothing: it is on its way to listening. */
export function startCloudService(options: CloudProcessOptions): Service {
  const { state, httpsPort = 0, mqttPort = 0, host, names = [], logFile } = options;
  const { metrics = false, limits, certificateLife, sockets, program = cloudProgram } = options;
  return new Service({
    name: 'cloud',
    file: fileURLToPath(program),
    args: [
      ...[
        '--state',
        state,
        '--setup-file',
        setupFile(state),
        '--https-port',
        String(httpsPort),
        '--mqtt-port',
        String(mqttPort),
      ],
      ...(host === undefined ? [] : ['--host', host]),
      ...names.flatMap((name) => ['--name', name]),
      ...(metrics ? ['--metrics-port', '0'] : []),
      ...(limits === undefined ? [] : ['--limits', limits]),
      ...(certificateLife === undefined ? [] : ['--certificate-life', certificateLife]),
      ...(sockets === undefined
        ? []
        : [
            ['--socket-port', sockets.tcp],
            ['--socket-tls-port', sockets.tls],
            ['--socket-udp-port', sockets.udp],
          ]
            .flat()
            .map(String)),
    ],
    ...withLog(logFile),
  });
}

/** Where the cloud puts the link by which the first operator is made. */
function setupFile(state: string): string {
  return `${state}.setup-link`;
}

/** The login that is kept beside a state folder: generated where there is none, so that there is no usual one. */
async function loginOf(state: string): Promise<Login> {
  const path = `${state}.login.json`;
  const kept = await readIfThere(path);
  if (kept !== undefined) return JSON.parse(kept) as Login;
  const login = { email: operator.email, password: randomBytes(24).toString('base64url') };
  await writeWhole(path, `${JSON.stringify(login)}\n`, 0o600);
  return login;
}

/** A log file as an option that is there or not. */
export function withLog(logFile: string | undefined): Pick<ServiceOptions, 'logFile'> {
  return logFile === undefined ? {} : { logFile };
}
