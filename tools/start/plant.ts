import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { until, VirtualPort } from '@loadline/hil-tests';
import {
  CloudProcess,
  type LogLine,
  prepareGateway,
  type Service,
  startGateway,
} from '@loadline/hil-tests/system';
import type { Operations, ReplyOf } from '@loadline/sdk/api';
import type { StartOptions } from './options.ts';
import { portOrFree } from './ports.ts';
import { makeRadio } from './radio.ts';

const usualHttpsPort = 8443;
const usualMqttPort = 8883;

/** Milliseconds between two looks at whether all of a recording is committed. */
const lookMilliseconds = 100;

type RunReply = ReplyOf<Operations['getRun']>;

/** What one run brought, read back from the store; a series that is not as heard has its aspect in its tag: 25DF.mean. */
export type RunReport = Omit<RunReply, 'health' | 'series'> & {
  readonly series: readonly Omit<RunReply['series'][number], 'aspect'>[];
};

/** A cloud, a virtual base station and a bundled gateway at work together, each its own process. */
export class Plant {
  readonly cloud: CloudProcess;
  readonly #gateway: Service;
  readonly #port: VirtualPort;
  readonly #gatewayId: string;
  readonly #epoch: string;
  readonly #rejectedBefore: number;
  readonly #sending: Promise<void>;
  readonly #silence = new AbortController();

  private constructor(parts: {
    cloud: CloudProcess;
    gateway: Service;
    port: VirtualPort;
    gatewayId: string;
    epoch: string;
    rejectedBefore: number;
    send: (signal: AbortSignal) => Promise<void>;
  }) {
    this.cloud = parts.cloud;
    this.#gateway = parts.gateway;
    this.#port = parts.port;
    this.#gatewayId = parts.gatewayId;
    this.#epoch = parts.epoch;
    this.#rejectedBefore = parts.rejectedBefore;
    this.#sending = parts.send(this.#silence.signal);
    // Whoever waits for it hears of it; where nobody does, the port was closed under it.
    this.#sending.catch(() => undefined);
  }

  /** Starts everything on the state in `options.state`, making it where there is none; `say` tells the steps. */
  static async start(options: StartOptions, say: (step: string) => void): Promise<Plant> {
    const { state, source, playing } = options;
    // A recording is kept apart from what was simulated: they are different gateways.
    const gatewayId = source.kind === 'simulated' ? 'simulated-gateway' : 'replay-gateway';
    const folder = join(state, gatewayId);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const opened: (() => Promise<unknown>)[] = [];
    try {
      say('starting the cloud');
      const cloud = await CloudProcess.start({
        state: join(state, 'cloud'),
        httpsPort: options.httpsPort ?? (await portOrFree(usualHttpsPort)),
        mqttPort: options.mqttPort ?? (await portOrFree(usualMqttPort)),
        logFile: join(state, 'cloud.log'),
      });
      opened.unshift(() => cloud.service.stop());
      const port = await VirtualPort.open({ folder: join(folder, 'dev'), name: 'simulated-base-station' });
      opened.unshift(() => port.close());
      const radio = makeRadio(source, playing, port);
      const config = await prepareGateway(cloud, {
        id: gatewayId,
        folder,
        sections: {
          ports: [{ name: 'radio', path: port.path }],
          sensors: radio.sensors,
          unconfigured: source.kind === 'simulated' ? {} : { sightings: 1, max_series: 65_536 },
        },
      });
      const { deliveries } = await cloud.organisation.getLedger({ device: gatewayId });
      say('starting the gateway: it makes its key and asks for its certificate');
      const gateway = startGateway(config, { logFile: join(state, `${gatewayId}.log`) });
      opened.unshift(() => gateway.stop());
      const { epoch } = await gateway.line('gateway-start');
      // Opening a port throws away what came before: the radio begins once the gateway listens.
      await gateway.line('port-open');
      await gateway.line('uplink-connected');
      return new Plant({
        cloud,
        gateway,
        port,
        gatewayId,
        epoch: String(epoch),
        rejectedBefore: deliveries.rejected,
        send: radio.send,
      });
    } catch (error) {
      for (const close of opened) await close();
      throw error;
    }
  }

  /** Hears the gateway's line a second. */
  onProgress(listener: (progress: LogLine) => void): void {
    this.#gateway.onLine((line) => {
      if (line.event === 'progress') listener(line);
    });
  }

  /** Settles when a process has ended that was not told to, with what it said. */
  async broken(): Promise<string> {
    return await Promise.race(
      [this.cloud.service, this.#gateway].map(async (service) => {
        const { code, signal } = await service.ended;
        return `the ${service.name} ended (${signal ?? `exit code ${code}`}) ${service.errors}`.trim();
      }),
    );
  }

  /** Settles when everything there was to send has been sent and committed. */
  async committed(): Promise<void> {
    await this.#sending;
    await until(() => this.#isCommitted(), {
      limitMs: Number.POSITIVE_INFINITY,
      what: 'all of the recording committed',
    });
  }

  /** What this run brought, as the store has it. */
  async report(): Promise<RunReport> {
    const { health: _, ...report } = await this.cloud.organisation.getRun({
      device: this.#gatewayId,
      epoch: this.#epoch,
    });
    // Counted from before the gateway's start: its very first batch may be among them.
    const { deliveries } = await this.cloud.organisation.getLedger({ device: this.#gatewayId });
    const series = report.series.map(({ tag, aspect, ...figures }) => ({
      tag: aspect === 'heard' ? tag : `${tag}.${aspect}`,
      ...figures,
    }));
    return { ...report, series, rejected: deliveries.rejected - this.#rejectedBefore };
  }

  /** Ends it in order: the radio falls silent, the gateway sends what it holds, `last` is asked, the cloud closes. */
  async stop<T>(last: () => Promise<T>): Promise<T> {
    this.#silence.abort();
    await this.#gateway.stop();
    try {
      return await last();
    } finally {
      await this.#port.close();
      await this.cloud.service.stop();
    }
  }

  /** By the gateway's own account in the store: every byte sent was heard, and nothing numbered is unacknowledged. */
  async #isCommitted(): Promise<boolean> {
    await new Promise((resolve) => setTimeout(resolve, lookMilliseconds));
    const { epochs } = await this.cloud.organisation.getLedger({ device: this.#gatewayId });
    const health = epochs.find(({ epoch }) => epoch === this.#epoch)?.health ?? null;
    if (health === null) return false;
    const heard = health.ports.reduce((sum, { bytes }) => sum + bytes, 0);
    const unfinished = health.ports.reduce((sum, { heldBytes }) => sum + heldBytes, 0);
    return heard === this.#port.bytesWritten && unfinished === 0 && health.journal.held === 0;
  }
}
