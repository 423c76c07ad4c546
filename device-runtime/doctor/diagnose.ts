import { type EventCode, events } from '@loadline/sdk/contract';
import { formerPorts } from '../accounts.ts';
import type { GatewayStatus } from '../control/index.ts';
import { error, type Finding, warning } from './finding.ts';

/** Days before the end of a certificate of thirty from which somebody should look: its renewal was due five days ago. */
const certificateDays = 5;
/** Seconds a gateway may take to hear its first frame, and to make its first link. */
const firstSeconds = 60;
/** Aims are 80 MiB; past this something grows. */
const residentBytes = 200e6;
/** Share of bytes that are no frames, past which a line is bad, and bytes it takes to say so. */
const discardedShare = 0.05;
const discardedFrom = 10_000;

/** What is wrong with a gateway that answers, by what it says itself. Pure. */
export function diagnose(status: GatewayStatus, journalBytes: number): Finding[] {
  const { verdict, standing } = status;
  const told = new Set(standing.map(({ code }) => code));
  return [
    ...(verdict.kind === 'wedged'
      ? [
          error(
            'gateway',
            `it is wedged: ${verdict.what}`,
            'the watchdog restarts it; send the support archive (--bundle)',
          ),
        ]
      : []),
    ...standing.map(({ code, severity, subject, detail, times }) => ({
      severity,
      about: subject === '' ? code : `${code} ${subject}`,
      says: `${meaningOf(code)}: ${detail}${times > 1 ? ` (${times} times)` : ''}`,
      act: actOf(code),
    })),
    ...cloud(status, told),
    ...radio(status, told),
    ...(told.has('certificate-expired') || told.has('certificate-refused') || told.has('certificate-expiring')
      ? []
      : certificate(status.health.certificate.daysLeft)),
    ...journal(status, told, journalBytes),
    ...release(status, told),
    ...(status.health.clock.trust === 'nobody' && !told.has('clock-untrusted')
      ? [warning('clock', 'nobody vouches for the time', events['clock-untrusted'].act)]
      : []),
    ...(status.health.process.residentBytes > residentBytes
      ? [
          warning(
            'memory',
            `the gateway takes ${Math.round(status.health.process.residentBytes / 1e6)} MB of memory`,
            'send the support archive (--bundle), and restart it',
          ),
        ]
      : []),
  ];
}

const meaningOf = (code: string): string => (code in events ? events[code as EventCode].meaning : code);
const actOf = (code: string): string => (code in events ? events[code as EventCode].act : 'look at it');

function cloud({ cloud: { link, host, port }, health }: GatewayStatus, told: ReadonlySet<string>): Finding[] {
  const where = `${host}:${port}`;
  const [last] = health.uplink.disconnects;
  switch (link) {
    case 'up':
      return [];
    case 'unborn':
      return [
        error(
          'certificate',
          'there is none, so there is no link to the cloud; readings are kept',
          'look at `enrolment` in the configuration, and at the log for why it is refused',
        ),
      ];
    case 'down':
      if (last === undefined && health.uptimeSeconds < firstSeconds) return [];
      // The network is in order then.
      if (told.has('identity-contested')) return [];
      return [
        error(
          'cloud',
          `no link to ${where}${last === undefined ? '' : `; the last one ended: ${last.reason}`}; readings are kept`,
          'look at what is said of the network below; the gateway tries for ever',
        ),
      ];
  }
}

function radio({ health }: GatewayStatus, told: ReadonlySet<string>): Finding[] {
  const isOld = health.uptimeSeconds > firstSeconds;
  return health.ports.flatMap(({ name, open, trouble, bytes, discardedBytes, frames }) => {
    const about = `port ${name}`;
    if (name === formerPorts) return [];
    if (!open) {
      const isTold = ['port-lost', 'port-unavailable', 'port-held', 'port-wrong-device'].some((code) =>
        told.has(code),
      );
      if (isTold || !isOld) return [];
      return [error(about, `it is not open${trouble ? `: ${trouble}` : ''}`, events['port-unavailable'].act)];
    }
    if (bytes === 0 && isOld) {
      return [
        warning(
          about,
          'it is open and nothing has ever come',
          'check the power of the base station, and that its transmitters are awake',
        ),
      ];
    }
    if (frames === 0 && bytes >= discardedFrom) {
      return [error(about, 'bytes come and none is a frame', 'check `baud` and `driver` of the port')];
    }
    const share = discardedBytes / Math.max(1, bytes);
    if (share > discardedShare && bytes >= discardedFrom && !told.has('port-noisy')) {
      const percent = Math.round(share * 100);
      return [warning(about, `${percent} % of its bytes are no frames`, events['port-noisy'].act)];
    }
    return [];
  });
}

/** What is to be said of a certificate by the days it has left. */
export function certificate(daysLeft: number | null): Finding[] {
  if (daysLeft === null || daysLeft >= certificateDays) return [];
  if (daysLeft < 0) {
    return [
      error(
        'certificate',
        `it ended ${-daysLeft} days ago, so the cloud takes no links by it`,
        events['certificate-expired'].act,
      ),
    ];
  }
  return [
    warning(
      'certificate',
      `it ends in ${daysLeft} days`,
      'let the gateway reach `enrolment.url`, and look into its log for why it is not renewed',
    ),
  ];
}

function release({ release: { running, progress } }: GatewayStatus, told: ReadonlySet<string>): Finding[] {
  switch (progress.state) {
    case 'rolled-back':
      if (told.has('release-rolled-back')) return [];
      return [
        warning(
          'release',
          `the offered one was gone back from: ${progress.detail}; ${running.release} runs`,
          events['release-rolled-back'].act,
        ),
      ];
    case 'refused':
      if (told.has('release-refused')) return [];
      return [
        warning(
          'release',
          `the offered one was refused (${progress.code}): ${progress.detail}`,
          events['release-refused'].act,
        ),
      ];
    case 'idle':
    case 'waiting':
    case 'downloading':
    case 'installing':
    case 'trying':
    case 'confirmed':
      return [];
  }
}

function journal({ health }: GatewayStatus, told: ReadonlySet<string>, maxBytes: number): Finding[] {
  const { heldBytes, held, dropped, disk } = health.journal;
  const findings: Finding[] = [];
  if (disk !== 'good' && !told.has('disk-full')) {
    findings.push(error('disk', `the journal's disk is ${disk}`, events['disk-full'].act));
  }
  if (dropped > 0 && !told.has('journal-full')) {
    findings.push(
      warning('journal', `${dropped} readings were dropped, and declared`, events['journal-full'].act),
    );
  }
  if (heldBytes > maxBytes / 2) {
    const percent = Math.round((heldBytes / maxBytes) * 100);
    findings.push(
      warning('journal', `${held} entries wait for the cloud, ${percent} % of the room`, 'mend the link'),
    );
  }
  return findings;
}
