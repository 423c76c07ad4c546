import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { bundlePath } from '@loadline/device-runtime';
import { until } from '../rig/index.ts';
import { type LogLine, type Service, startGateway } from '../system/index.ts';
import type { Diagnosis, Gateway } from './bench.ts';

const patienceMs = 30_000;

export interface LocalGatewayOptions {
  readonly id: string;
  readonly configFile: string;
  /** A file that gets everything it prints, run after run. Default: none. */
  readonly logFile?: string;
}

/** The shipped gateway in a process of this machine. */
export class LocalGateway implements Gateway {
  readonly id: string;
  readonly configFile: string;
  readonly #logFile: string | undefined;
  #service: Service | undefined;

  constructor({ id, configFile, logFile }: LocalGatewayOptions) {
    this.id = id;
    this.configFile = configFile;
    this.#logFile = logFile;
  }

  /** The process of its present run, or of the last. Throws where it was never started. */
  get service(): Service {
    if (this.#service === undefined) throw new Error('the gateway has not been started');
    return this.#service;
  }

  get log(): readonly LogLine[] {
    return this.service.log;
  }

  async said(
    event: string,
    options: { times?: number; subject?: string; limitMs?: number } = {},
  ): Promise<LogLine> {
    const { times = 1, subject, limitMs = patienceMs } = options;
    return await until(
      () => {
        const lines = this.log.filter(
          (line) => line.event === event && (subject === undefined || line.subject === subject),
        );
        if (lines.length >= times) return lines[times - 1];
        // It says nothing more.
        if (this.service.end !== undefined) throw new Error(endedBefore(this.service, event));
        return undefined;
      },
      { limitMs, what: `the gateway says ${event} ${subject ?? ''} for the ${times}th time` },
    );
  }

  onLine(listener: (line: LogLine) => void): () => void {
    return this.service.onLine(listener);
  }

  async epoch(): Promise<string> {
    return String((await this.service.line('gateway-start')).epoch);
  }

  async start(under: readonly string[] = []): Promise<void> {
    this.launch(under);
  }

  /** Starts its process; nothing more is waited for. */
  launch(under: readonly string[] = []): void {
    if (this.#service !== undefined && this.#service.end === undefined)
      throw new Error('the gateway runs already');
    const logFile = this.#logFile;
    this.#service = startGateway(this.configFile, { under, ...(logFile !== undefined && { logFile }) });
  }

  async stop(): Promise<void> {
    await this.#service?.stop();
  }

  async kill(): Promise<void> {
    await this.service.stop('SIGKILL');
  }

  async doctor(): Promise<Diagnosis> {
    const words = [bundlePath, 'doctor', '--config', this.configFile, '--json'];
    return await new Promise((resolve, reject) => {
      const child = execFile(process.execPath, words, (error, stdout, stderr) => {
        try {
          const { findings } = JSON.parse(stdout) as Pick<Diagnosis, 'findings'>;
          resolve({ code: child.exitCode ?? -1, findings });
        } catch {
          reject(new Error(`the doctor said no JSON: ${stdout}${stderr}`, { cause: error }));
        }
      });
    });
  }

  /** From proc(5): stat fields 14 and 15, in hundredths. */
  processorSeconds(): number {
    const [, fields = ''] = readFileSync(`/proc/${this.service.pid}/stat`, 'utf8').split(') ');
    const [user, system] = fields.split(' ').slice(11, 13).map(Number);
    return ((user ?? Number.NaN) + (system ?? Number.NaN)) / 100;
  }
}

function endedBefore({ end, errors }: Service, event: string): string {
  return `the gateway ended (${end?.signal ?? end?.code}) before it said ${event}: ${errors.trim()}`;
}
