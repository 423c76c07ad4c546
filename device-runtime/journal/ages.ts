/** Since when positions are there, roughly: one time for all that come within a step. */
export class Ages {
  readonly #step: number;
  /** Ascending in both. */
  #marks: { readonly position: number; readonly at: number }[] = [];

  constructor(step: number) {
    this.#step = step;
  }

  /** `position` comes now. */
  note(position: number, now: number): void {
    const last = this.#marks.at(-1);
    if (last === undefined || now - last.at >= this.#step) this.#marks.push({ position, at: now });
  }

  /** Nothing that has come matters any more. */
  clear(): void {
    this.#marks = [];
  }

  /** When `position` came, up to a step too early. What came before it is asked for no more. */
  of(position: number): number {
    const later = this.#marks.findIndex((mark) => mark.position > position);
    const own = later < 0 ? this.#marks.length - 1 : Math.max(later - 1, 0);
    this.#marks.splice(0, own);
    return this.#marks[0]?.at ?? 0;
  }
}
