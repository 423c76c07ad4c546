import { askStatus, followReadings } from './client.ts';
import type { GatewayStatus, ShownReading, StandingEvent } from './protocol.ts';
import { ControlError } from './socket-path.ts';

export interface StatusOptions {
  /** The gateway's local socket. */
  readonly socket: string;
  readonly follow: boolean;
  readonly json: boolean;
  readonly write: (text: string) => void;
  readonly fail: (text: string) => void;
  /** Ends the following. */
  readonly signal: AbortSignal;
}

/** `status [--follow] [--json]`. @returns the exit code: 0, or 3 where the gateway cannot be asked. */
export async function statusCommand(options: StatusOptions): Promise<0 | 3> {
  const { socket, follow, json, write, fail, signal } = options;
  try {
    if (!follow) {
      const status = await askStatus(socket);
      write(json ? `${JSON.stringify(status)}\n` : statusText(status));
      return 0;
    }
    for await (const reading of followReadings(socket, signal)) {
      write(
        json
          ? `${JSON.stringify(reading)}\n`
          : plain(`${new Date().toTimeString().slice(0, 8)}  ${line(reading)}`),
      );
    }
    if (signal.aborted) return 0;
    fail('the gateway has stopped, or this was too slow to follow it\n');
    return 3;
  } catch (error) {
    if (!(error instanceof ControlError)) throw error;
    fail(`${error.message}\n`);
    return 3;
  }
}

/** A status for people: a few lines, what matters first. */
export function statusText(status: GatewayStatus): string {
  const { gateway, cloud, verdict, release, health, series, standing } = status;
  const { journal, uplink, clock, certificate } = health;
  const rows: [string, string][] = [
    [
      'gateway',
      `${gateway.id}, version ${gateway.version}, process ${gateway.pid}, up ${duration(health.uptimeSeconds)}`,
    ],
    ['', verdictText(verdict)],
    ['release', releaseText(release)],
    ['cloud', `${cloud.host}:${cloud.port}, ${linkText(status)}`],
    [
      'time',
      clock.trust === 'nobody'
        ? 'nobody vouches for it'
        : `by the ${clock.trust}, within ${Math.round(clock.uncertaintyMs ?? 0)} ms`,
    ],
    ['certificate', certificate.daysLeft === null ? 'none yet' : `${certificate.daysLeft} days left`],
    [
      'frames',
      `${health.frames} = ${health.readings} readings + ${health.copies} copies + ${health.suppressed} suppressed + ${health.other} other`,
    ],
    [
      'journal',
      `${journal.held} held (${bytes(journal.heldBytes)}), ${journal.inFlight} in flight, ${journal.dropped} dropped; disk ${journal.disk}, ${bytes(journal.writtenToday)} written today`,
    ],
    ['uplink', `window ${bytes(uplink.windowBytes)}, ${uplink.connections} links made`],
    ...health.ports.map((port): [string, string] => [
      `port ${port.name}`,
      `${port.open ? 'open' : 'closed'}${port.trouble === undefined ? '' : `: ${port.trouble}`}; ${port.frames} frames, ${bytes(port.discardedBytes)} of ${bytes(port.bytes)} discarded`,
    ]),
    [
      'process',
      `${bytes(health.process.residentBytes)} resident, ${health.process.cpuSeconds.toFixed(1)} s of processor`,
    ],
    ...standing.map((event): [string, string] => [event.severity, eventText(event)]),
    ...series.map((reading): [string, string] => [
      'reading',
      `${line(reading)}, ${duration(reading.secondsAgo)} ago`,
    ]),
  ];
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  return rows.map(([name, text]) => plain(`${name.padEnd(width)}${text}`)).join('');
}

function verdictText(verdict: GatewayStatus['verdict']): string {
  switch (verdict.kind) {
    case 'progressing':
      return 'progressing';
    case 'idle':
      return `idle: ${verdict.why}`;
    case 'wedged':
      return `WEDGED: ${verdict.what}`;
  }
}

function releaseText({ running, offer, progress }: GatewayStatus['release']): string {
  const { release, slot, target } = running;
  const from = slot === null ? 'no launcher: updated by hand' : `slot ${slot}`;
  const about = progressText(progress);
  return `${release} for ${target}, ${from}${about === '' ? '' : `; update ${offer ?? ''} ${about}`}`;
}

function progressText(progress: GatewayStatus['release']['progress']): string {
  switch (progress.state) {
    case 'idle':
      return '';
    case 'waiting':
      return `waits: ${progress.detail}`;
    case 'downloading':
      return `downloads: ${bytes(progress.done)} of ${bytes(progress.total)}`;
    case 'installing':
      return 'is being installed';
    case 'trying':
      return `on trial: ${duration(progress.secondsLeft)} left to report health`;
    case 'confirmed':
      return 'is confirmed';
    case 'rolled-back':
      return `ROLLED BACK: ${progress.detail}`;
    case 'refused':
      return `REFUSED (${progress.code}): ${progress.detail}`;
  }
}

function linkText({ cloud, health: { uplink } }: GatewayStatus): string {
  const [last] = uplink.disconnects;
  const before =
    last === undefined ? '' : `; the last one ended ${duration(last.secondsAgo)} ago: ${last.reason}`;
  switch (cloud.link) {
    case 'up':
      return `connected${uplink.roundTripMs === null ? '' : `, round trip ${Math.round(uplink.roundTripMs)} ms`}${before}`;
    case 'down':
      return `NOT connected${before}`;
    case 'unborn':
      return 'not connected: there is no certificate yet';
  }
}

function eventText({ code, subject, detail, secondsAgo, times }: StandingEvent): string {
  const count = times > 1 ? `, ${times} times` : '';
  return `${code}${subject === '' ? '' : ` ${subject}`}: ${detail} (${duration(secondsAgo)} ago${count})`;
}

function line({
  tag,
  aspect,
  name,
  unit,
  simulated,
  value,
  port,
  base,
  flaws,
  linkPercent,
}: ShownReading): string {
  const amount =
    value === null ? 'no value' : `${typeof value === 'number' ? Number(value.toPrecision(7)) : value}`;
  const about = [
    tag,
    ...(aspect === 'heard' ? [] : [aspect]),
    base > 0 ? `${port}/${base}` : port,
    ...(linkPercent === undefined ? [] : [`link ${linkPercent} %`]),
    ...(simulated ? ['SIMULATED'] : []),
    ...flaws,
  ];
  return `${name ?? 'not configured'}  ${amount}${unit ? ` ${unit}` : ''}  (${about.join(', ')})`;
}

/** One line, without what a terminal would take for an order: a radio brings text too. */
function plain(text: string): string {
  return `${text.replaceAll(/\p{Cc}/gu, '\u{fffd}')}\n`;
}

/** Seconds as people say them. */
function duration(seconds: number): string {
  if (seconds < 100) return `${Math.round(seconds)} s`;
  if (seconds < 6000) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${(seconds / 3600).toFixed(1)} h`;
  return `${Math.floor(seconds / 86_400)} days`;
}

/** Bytes as people say them. */
function bytes(count: number): string {
  if (count < 10_000) return `${count} B`;
  if (count < 10_000_000) return `${Math.round(count / 1000)} kB`;
  return `${(count / 1e6).toFixed(1)} MB`;
}
