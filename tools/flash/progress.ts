/** How far a step is. */
export interface Progress {
  readonly done: number;
  readonly all: number;
  /** Of the last seconds; null until there is something to say. */
  readonly bytesPerSecond: number | null;
  readonly secondsLeft: number | null;
}

/** Milliseconds that the speed is that of: a card's own pauses last a second or two. */
const windowMilliseconds = 10_000;

/** Speed and time left of a step. Pure: the time is passed in. */
export class Pace {
  readonly #all: number;
  readonly #seen: { readonly at: number; readonly done: number }[] = [];

  /** @param all bytes that the step has */
  constructor(all: number) {
    this.#all = all;
  }

  /** @param at milliseconds that never step */
  note(done: number, at: number): Progress {
    this.#seen.push({ at, done });
    while (this.#seen.length > 2 && at - (this.#seen[1]?.at ?? at) > windowMilliseconds) this.#seen.shift();
    const [first] = this.#seen;
    const seconds = (at - (first?.at ?? at)) / 1000;
    const speed = seconds < 0.5 ? null : (done - (first?.done ?? 0)) / seconds;
    const left = speed === null || speed <= 0 ? null : Math.ceil(Math.max(0, this.#all - done) / speed);
    return {
      done,
      all: this.#all,
      bytesPerSecond: speed === null ? null : Math.round(speed),
      secondsLeft: left,
    };
  }
}

/** Bytes as people say them: 31.9 GB. */
export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let at = 0;
  while (value >= 999.5 && at < units.length - 1) {
    value /= 1000;
    at++;
  }
  return `${at === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[at]}`;
}

/** Seconds as people say them: 75 s, 2 min 5 s. */
export function secondsText(seconds: number): string {
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 90
    ? `${minutes} min ${seconds % 60} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
