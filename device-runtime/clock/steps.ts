/** Milliseconds the wall clock must have moved against the monotonic one to have been set. */
const stepMilliseconds = 500;

/** Both clocks, read in one go. Milliseconds. */
export interface Instant {
  readonly monotonic: number;
  readonly wall: number;
}

/** Reads both clocks so close together that no step is seen where there is none. */
export function instantOf(clock: { monotonic(): number; wall(): number }): Instant {
  let best: (Instant & { gap: number }) | undefined;
  for (let attempt = 0; attempt < 3 && (best === undefined || best.gap > 5); attempt++) {
    const before = clock.monotonic();
    const wall = clock.wall();
    const gap = clock.monotonic() - before;
    if (best === undefined || gap < best.gap) best = { monotonic: before + gap / 2, wall, gap };
  }
  return best as Instant;
}

/** Sees the wall clock being set. NTP's slewing moves both clocks alike, and is none. */
export class Steps {
  #offset: number | undefined;

  /** By how many milliseconds the wall clock has been set since the last look, forward counted positive; else 0. */
  look({ monotonic, wall }: Instant): number {
    const offset = wall - monotonic;
    this.#offset ??= offset;
    const moved = offset - this.#offset;
    if (Math.abs(moved) <= stepMilliseconds) return 0;
    this.#offset = offset;
    return moved;
  }
}

/** A length of time in words: `3.2 s`, `2 h 5 min`, `20000 d 3 h`. */
export function inWords(milliseconds: number): string {
  const seconds = Math.abs(milliseconds) / 1000;
  if (seconds < 60) return `${Number(seconds.toFixed(1))} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** A time as people read it; never throws, whatever a broken clock says. */
export function atWords(wall: number): string {
  return Math.abs(wall) <= 8.64e15 ? new Date(wall).toISOString() : `${wall} ms since 1970`;
}
