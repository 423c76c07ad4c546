import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cloudProgram } from '@loadline/cloud';
import { CloudClient } from '@loadline/sdk/client';
import { Service, type ServiceOptions } from './service.ts';

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
  /** The program to start. Default: the shipped one. */
  readonly program?: URL;
}

/** A cloud in a process of its own, and a client logged in to it. */
export class CloudProcess {
  readonly service: Service;
  readonly client: CloudClient;
  readonly httpsPort: number;
  readonly mqttPort: number;
  /** PEM of the authority that its certificate and all gateways' come from. */
  readonly authorityPem: string;
  readonly login: { readonly name: string; readonly password: string };

  private constructor(
    parts: Pick<CloudProcess, 'service' | 'httpsPort' | 'mqttPort' | 'authorityPem' | 'login'>,
  ) {
    this.service = parts.service;
    this.httpsPort = parts.httpsPort;
    this.mqttPort = parts.mqttPort;
    this.authorityPem = parts.authorityPem;
    this.login = parts.login;
    this.client = new CloudClient({ url: this.url, authorityPem: parts.authorityPem });
  }

  /** Address of the page and the REST API. */
  get url(): string {
    return `https://localhost:${this.httpsPort}`;
  }

  /** Starts it, waits until it listens, and logs in with the first login. */
  static async start(options: CloudProcessOptions): Promise<CloudProcess> {
    const { state } = options;
    const service = startCloudService(options);
    try {
      const listening = await service.line('listening');
      const cloud = new CloudProcess({
        service,
        httpsPort: listening.httpsPort as number,
        mqttPort: listening.mqttPort as number,
        authorityPem: readFileSync(join(state, 'authority/authority.pem'), 'utf8'),
        login: readLogin(join(state, 'first-login.json')),
      });
      await cloud.client.logIn(cloud.login.name, cloud.login.password);
      return cloud;
    } catch (error) {
      await service.stop();
      throw error;
    }
  }
}

/** Starts the program and waits for nothing: it is on its way to listening. */
export function startCloudService(options: CloudProcessOptions): Service {
  const { state, httpsPort = 0, mqttPort = 0, host, names = [], logFile, program = cloudProgram } = options;
  return new Service({
    name: 'cloud',
    file: fileURLToPath(program),
    args: [
      ...['--state', state, '--https-port', String(httpsPort), '--mqtt-port', String(mqttPort)],
      ...(host === undefined ? [] : ['--host', host]),
      ...names.flatMap((name) => ['--name', name]),
    ],
    ...withLog(logFile),
  });
}

function readLogin(path: string): CloudProcess['login'] {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new Error(
      `${path} cannot be read, and this logs in with it: put it back, or begin with another state folder`,
      {
        cause,
      },
    );
  }
}

/** A log file as an option that is there or not. */
export function withLog(logFile: string | undefined): Pick<ServiceOptions, 'logFile'> {
  return logFile === undefined ? {} : { logFile };
}
