import type { CloudClient } from '@loadline/sdk/client';
import { ConfigError } from '@loadline/sdk/toml';
import { type Command, InvalidArgumentError } from 'commander';
import { withCloud } from '../cloud/connection.ts';
import { CalledWrongly, NotLoggedIn } from '../cloud/outcome.ts';
import { baudRate } from '../serial/lines.ts';
import type { Report, ResultEvent } from './events.ts';
import { type FieldCloud, fieldCloud } from './field-cloud.ts';
import { type FoundGateway, findOne } from './find.ts';
import { judge } from './judge.ts';
import { type Outcome, outcomes } from './outcome.ts';
import { humanReport, jsonReport } from './show.ts';

/** Options of every command that talks to a gateway. */
export interface LineFlags {
  readonly port: readonly string[];
  readonly baud: number;
  /** Seconds. */
  readonly wait: number;
  readonly json: boolean;
}

export function lineOptions(command: Command): Command {
  return command
    .option(
      '--port <path>',
      'a serial port, such as COM3, /dev/ttyACM0 or /dev/pts/7; may be given again; default: all there are',
      (path: string, before: readonly string[]) => [...before, path],
      [],
    )
    .option('--baud <rate>', 'line speed; of no matter over USB', baudRate, 115_200)
    .option('--wait <seconds>', 'how long a line that is gone is waited for', secondsFrom, 30)
    .option('--json', 'a line of JSON an event; the last is the result', false);
}

/** A whole number of seconds off the command line. */
function secondsFrom(text: string): number {
  const seconds = Number(text);
  if (Number.isInteger(seconds) && seconds >= 0 && seconds <= 3600) return seconds;
  throw new InvalidArgumentError('It must be a whole number of seconds from 0 to 3600.');
}

const out = (text: string) => void process.stdout.write(text);
const err = (text: string) => void process.stderr.write(text);

/** Where events go: progress to standard error and the result to standard output, or all of it there as JSON. */
export function reportFor({ json }: Pick<LineFlags, 'json'>): Report {
  return json ? jsonReport(out) : humanReport(err, out);
}

/** Does a command's work; how it ended is told last, and is the exit code. */
export async function attempt(
  flags: Pick<LineFlags, 'json'>,
  work: (report: Report) => Promise<ResultEvent>,
): Promise<void> {
  const report = reportFor(flags);
  const result = await work(report).catch(failure);
  report(result);
  process.exitCode = result.exitCode;
}

/** Work with the cloud that somebody is logged in to. */
export async function online(work: (cloud: FieldCloud) => Promise<ResultEvent>): Promise<ResultEvent> {
  const { promise, resolve } = Promise.withResolvers<ResultEvent>();
  await withCloud(async (client: CloudClient) => resolve(await work(await fieldCloud(client))));
  return await promise;
}

/** Work with the gateway that is connected; its line is closed behind it. With `--json` or a site file nobody is asked. */
export async function withGateway(
  { port: ports, baud, wait, json, config }: LineFlags & { readonly config?: string },
  report: Report,
  work: (gateway: FoundGateway) => Promise<ResultEvent>,
  serialNumber?: string,
): Promise<ResultEvent> {
  const asking = json || config !== undefined ? 'never-asks' : 'may-ask';
  const gateway = await findOne({ ports, baud, patience: wait * 1000 }, report, asking, serialNumber);
  try {
    return await work(gateway);
  } finally {
    await gateway.line.close();
  }
}

/** How a command ended that did not come to a gateway. */
function failure(error: unknown): ResultEvent {
  const { outcome, code, says, act } = called(error) ?? judge(error);
  return {
    event: 'result',
    result: outcome,
    exitCode: outcomes[outcome].code,
    gatewayId: null,
    serialNumber: null,
    fingerprint: null,
    reading: null,
    record: null,
    step: null,
    code,
    says,
    act,
  };
}

function called(error: unknown): ReturnType<typeof judge> | undefined {
  const as = (outcome: Outcome, act: string) => ({
    outcome,
    code: null,
    says: (error as Error).message,
    act,
  });
  if (error instanceof ConfigError)
    return as('called-wrongly', 'correct it; docs/provisioning.md has every key');
  if (error instanceof CalledWrongly)
    return as('called-wrongly', 'loadline provision --help says how it is called');
  if (error instanceof NotLoggedIn) return as('no-cloud', 'or take a kit: loadline provision prepare');
  return undefined;
}
