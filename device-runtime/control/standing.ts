import { type EventCode, events } from '@loadline/sdk/contract';
import type { StandingEvent } from './protocol.ts';

/** Which events take which others back. */
const takesBack: Partial<Record<EventCode, readonly EventCode[]>> = {
  'port-open': ['port-lost', 'port-unavailable', 'port-wrong-device'],
  'port-lost': ['port-unavailable', 'port-held', 'port-wrong-device', 'port-noisy'],
  'port-released': ['port-held'],
  'port-clear': ['port-noisy'],
  'sensor-returned': ['sensor-stale'],
  'sensor-within-limits': ['sensor-overload'],
  'sensor-quality-restored': ['sensor-bad-quality'],
  'clock-trusted': ['clock-untrusted', 'clock-disputed'],
  'journal-room': ['journal-full'],
  'disk-recovered': ['disk-full'],
  'identity-admitted': ['identity-contested'],
  'certificate-renewed': ['certificate-expiring', 'certificate-expired', 'certificate-refused'],
  'config-applied': ['config-refused', 'config-rolled-back'],
  'release-confirmed': ['release-rolled-back', 'release-fell-back', 'release-refused'],
};

/** Milliseconds after which an event stands no longer, where none takes it back: it happened, and it is over. */
const passing = 24 * 3_600_000;
const taken: ReadonlySet<string> = new Set(Object.values(takesBack).flat());

/** Events remembered at a time; the oldest goes first. */
const maxStanding = 512;

interface Noted {
  readonly code: EventCode;
  readonly subject: string;
  readonly detail: string;
  readonly at: number;
  readonly times: number;
}

/** Warnings and errors of this run that no later event has taken back. */
export class Standing {
  readonly #noted = new Map<string, Noted>();

  /** @param at milliseconds of the monotonic clock */
  note(
    event: { readonly code: EventCode; readonly subject: string; readonly detail: string },
    at: number,
  ): void {
    const { code, subject, detail } = event;
    for (const over of takesBack[code] ?? []) this.#noted.delete(keyOf(over, subject));
    if (events[code].severity === 'info') return;
    const key = keyOf(code, subject);
    const times = (this.#noted.get(key)?.times ?? 0) + 1;
    // The newest stands last.
    this.#noted.delete(key);
    this.#noted.set(key, { code, subject, detail, at, times });
    if (this.#noted.size <= maxStanding) return;
    const [oldest] = this.#noted.keys();
    this.#noted.delete(oldest as string);
  }

  /** Another configuration is in force: what still holds of its sensors, and of ports opened anew, is told again. */
  configured(ports: 'same-ports' | 'other-ports'): void {
    for (const [key, { code }] of this.#noted) {
      const isPort = code.startsWith('port-') && ports === 'other-ports';
      if (isPort || code.startsWith('sensor-') || code === 'tag-twice') this.#noted.delete(key);
    }
  }

  /** The newest last. */
  list(now: number): StandingEvent[] {
    const list: StandingEvent[] = [];
    for (const [key, { code, subject, detail, at, times }] of this.#noted) {
      const { severity } = events[code];
      if (!taken.has(code) && now - at > passing) this.#noted.delete(key);
      else if (severity !== 'info') {
        const secondsAgo = Math.max(0, Math.round((now - at) / 1000));
        list.push({ code, severity, subject, detail, secondsAgo, times });
      }
    }
    return list;
  }
}

const keyOf = (code: string, subject: string): string => `${code} ${subject}`;
