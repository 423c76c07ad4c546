import { join } from 'node:path';
import { type ResultMessage, resultMessage } from '@loadline/sdk/contract';
import { jsonLog } from '@loadline/sdk/platform';
import type { GatewayEvent } from '@loadline/sdk/telemetry';
import type { Time } from '../clock/index.ts';
import { Commands, type Executors } from './commands.ts';
import { type KeptFile, keptFile } from './state-file.ts';

export const noon = Date.UTC(2026, 10, 22, 12);

/** The id of a test's command, by its number. */
export const idOf = (number: number) => `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`;

export function command(number: number, expires = noon + 60_000) {
  return { version: 1, id: idOf(number), expires, command: { kind: 'report' } };
}

export interface TestCommandsOptions {
  readonly folder: string;
  readonly file?: KeptFile;
  readonly report?: Executors['report'];
  readonly executeMilliseconds?: number;
}

/** A gateway as far as it is commanded, over a real file. */
export class TestCommands {
  time: Time = { kind: 'known', by: 'cloud', wall: noon, uncertainty: 500 };
  up = 1000;
  /** Whether the cloud acknowledges. */
  online = true;
  carriedOut = 0;
  readonly results: ResultMessage[] = [];
  readonly events: Pick<GatewayEvent, 'code' | 'detail'>[] = [];
  readonly logged: string[] = [];
  readonly commands: Commands;

  constructor({ folder, file, report, executeMilliseconds }: TestCommandsOptions) {
    this.commands = new Commands({
      file: file ?? keptFile(join(folder, 'commands.json')),
      execute: {
        report: async (body, until) => {
          this.carriedOut++;
          return report?.(body, until) ?? 'health was sent';
        },
        transmit: async ({ port, action }, until) => `${action} on ${port} by ${until}`,
        'reset-derived': async ({ tag }) => `tag ${tag}`,
      },
      publish: async (channel, json) => {
        if (channel !== 'result') throw new Error(`results do not go to ${channel}`);
        this.results.push(resultMessage.parse(JSON.parse(json)));
        return this.online;
      },
      time: () => this.time,
      monotonic: () => this.up,
      onEvent: (event) => this.events.push(event),
      log: jsonLog((line) => this.logged.push(line), Date.now),
      ...(executeMilliseconds !== undefined && { executeMilliseconds }),
    });
  }

  get codes(): string[] {
    return this.events.map(({ code }) => code);
  }

  get outcomes(): string[] {
    return this.results.map(({ outcome }) => outcome);
  }

  /** Moves the time on. */
  pass(milliseconds: number): void {
    this.up += milliseconds;
    this.time = { ...this.time, wall: this.time.wall + milliseconds };
  }
}
