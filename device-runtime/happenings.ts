import { events, limits } from '@loadline/sdk/contract';
import type { Log } from '@loadline/sdk/platform';
import { type Entry, type EventWords, gatewayEvent } from '@loadline/sdk/telemetry';
import { clip } from './downlink/index.ts';
import { Repeats } from './repeats.ts';

export interface HappeningsOptions {
  readonly log: Log;
  /** Milliseconds. */
  readonly monotonic: () => number;
  readonly append: (entry: Entry) => void;
  /** Shows it to the people beside the gateway. */
  readonly show: (event: EventWords) => void;
}

/** Events that say nothing of a state that lasts: of many, how many there were is enough. */
const repeatable: ReadonlySet<EventWords['code']> = new Set([
  'clock-stepped',
  'cloud-restored',
  'command-done',
  'command-failed',
]);

/** What happens to the gateway: said in the log and beside it, and numbered like readings. */
export class Happenings {
  readonly #options: HappeningsOptions;
  /** What the cloud, or who sets the clock, can cause as often as they like; in log and journal alike. */
  readonly #repeats = new Repeats<EventWords>((happening, times) => this.#put(timesOver(happening, times)));

  constructor(options: HappeningsOptions) {
    this.#options = options;
  }

  happened(happening: EventWords): void {
    if (repeatable.has(happening.code)) this.#repeats.happened(happening.code, happening);
    else this.#put(happening);
  }

  /** Says what is journalled already, or is about to be. */
  say(happening: EventWords): void {
    const { code, subject, detail } = happening;
    const level = events[code].severity === 'warning' ? 'warn' : events[code].severity;
    this.#options.log[level](code, { ...(subject !== '' && { subject }), detail });
    this.#options.show(happening);
  }

  /** Says what was held back. */
  stop(): void {
    this.#repeats.stop();
  }

  #put(happening: EventWords): void {
    this.say(happening);
    this.#options.append(gatewayEvent(this.#options.monotonic(), happening));
  }
}

function timesOver(happening: EventWords, times: number): EventWords {
  if (times === 1) return happening;
  const detail = `${times} more within a minute, the last: ${happening.detail}`;
  return { ...happening, detail: clip(detail, limits.eventDetailBytes) };
}
