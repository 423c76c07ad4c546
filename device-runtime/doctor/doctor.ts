import { writeFile } from 'node:fs/promises';
import { type Config, ConfigError, loadConfig } from '../config/index.ts';
import { askStatus, ControlError, type GatewayStatus } from '../control/index.ts';
import { supportArchive } from './archive.ts';
import { diagnose } from './diagnose.ts';
import { bySeverity, type ExitCode, error, exitCodeOf, type Finding } from './finding.ts';
import { lookAround, type Premises } from './premises.ts';
import { reachFindings } from './reach.ts';

export interface DoctorOptions {
  /** The gateway's configuration file. */
  readonly configFile: string;
  readonly json: boolean;
  /** Where the support archive is to be put; undefined for none. */
  readonly bundle: string | undefined;
  readonly write: (text: string) => void;
  /** Milliseconds since 1970, as this machine believes. */
  readonly wall: () => number;
}

export interface Examination {
  /** Undefined where the gateway could not be asked. */
  readonly status: GatewayStatus | undefined;
  readonly premises: Premises;
  /** Errors first. */
  readonly findings: readonly Finding[];
}

/**
 * `doctor [--json] [--bundle FILE]`: what is wrong with the gateway of this configuration and what to do, in words.
 *
 * @returns the exit code: 0 fine, 1 warnings, 2 errors, 3 the gateway cannot be asked (and what can be said without it)
 */
export async function doctorCommand(options: DoctorOptions): Promise<ExitCode> {
  const { configFile, json, bundle, write, wall } = options;
  let config: Config;
  try {
    ({ config } = loadConfig(configFile));
  } catch (problem) {
    if (!(problem instanceof ConfigError)) throw problem;
    const unusable = problem.message.split('\n').map((says) => error('configuration', says, 'correct it'));
    write(json ? `${JSON.stringify({ asked: false, findings: unusable })}\n` : textOf(unusable, false));
    return 3;
  }
  const now = wall();
  const { status, premises, findings } = await examine(config, now);
  write(
    json
      ? `${JSON.stringify({ asked: status !== undefined, findings })}\n`
      : textOf(findings, status !== undefined),
  );
  if (bundle !== undefined) {
    await writeFile(bundle, supportArchive({ config, status, premises, findings, now }), { mode: 0o600 });
    if (!json) write(`The support archive is ${bundle}: gzipped JSON, without keys, names or texts.\n`);
  }
  return exitCodeOf(findings, status !== undefined);
}

/** All that can be found out about the gateway of a configuration. @param now milliseconds since 1970 */
export async function examine(config: Config, now: number): Promise<Examination> {
  const asked = await ask(config);
  const status = 'status' in asked ? asked.status : undefined;
  const isLinked = status?.cloud.link === 'up';
  const [premises, reach] = await Promise.all([
    lookAround({ config, gatewayPid: status?.gateway.pid, now }),
    // A link that stands is proof enough.
    isLinked ? [] : reachFindings(config),
  ]);
  const findings = bySeverity([
    ...('problem' in asked ? [asked.problem] : diagnose(asked.status, config.journal.max_bytes)),
    ...reach,
    ...premises.findings,
  ]);
  return { status, premises, findings };
}

async function ask(
  config: Config,
): Promise<{ readonly status: GatewayStatus } | { readonly problem: Finding }> {
  try {
    return { status: await askStatus(config.control.socket) };
  } catch (problem) {
    if (!(problem instanceof ControlError)) throw problem;
    return {
      problem: error('control', problem.message, 'start the gateway, or look into its log for why it ends'),
    };
  }
}

function textOf(findings: readonly Finding[], isAsked: boolean): string {
  const head = isAsked ? '' : 'The gateway could not be asked. What can be said without it:\n\n';
  if (findings.length === 0) return `${head}Nothing is wrong.\n`;
  const said = findings.map(
    ({ severity, about, says, act }) =>
      `${severity.toUpperCase().padEnd(8)}${about}: ${says.replaceAll(/\p{Cc}/gu, '\u{fffd}')}\n        -> ${act}\n`,
  );
  return head + said.join('');
}
