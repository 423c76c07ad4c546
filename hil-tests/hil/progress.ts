import { stripVTControlCharacters } from 'node:util';

/** What progress is shown on: a terminal, or what stands for one. */
export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** One line of a terminal that says what is being played, and is replaced by the next. Elsewhere nothing is shown. */
export class Progress {
  readonly #screen: Screen;
  #isShown = false;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  /** Shows these words in place of the last ones, as much of them as one line holds. */
  show(words: string): void {
    const { isTTY = false, columns = 80 } = this.#screen;
    if (!isTTY) return;
    const line = stripVTControlCharacters(words).replaceAll(/\p{Cc}+/gu, ' ');
    this.#screen.write(`\r\x1b[K${line.slice(0, columns - 1)}`);
    this.#isShown = true;
  }

  /** Takes the line away: before anything else is printed, and at the end. */
  clear(): void {
    if (!this.#isShown) return;
    this.#screen.write('\r\x1b[K');
    this.#isShown = false;
  }
}
