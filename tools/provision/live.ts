import { emitKeypressEvents, type Key as ReadlineKey } from 'node:readline';
import { CalledWrongly } from '../cloud/outcome.ts';
import { whileListening } from './hear.ts';
import type { GatewayLine } from './line.ts';
import { emptyPicker, hearing, type Picker, picture, pressed } from './picker.ts';
import type { HeardTag } from './signal.ts';

/** Milliseconds between two pictures: what is heard comes once a second. */
const pictureEvery = 250;

/** Shows what the gateway hears, in place, until somebody has picked. @throws CalledWrongly where he cancels */
export async function pickSensors(line: GatewayLine): Promise<readonly HeardTag[]> {
  const screen = new Screen(process.stderr);
  const { promise, resolve } = Promise.withResolvers<void>();
  let picker: Picker = emptyPicker;
  const draw = () => screen.draw(picture(picker, screen.width, screen.height));
  const onKey = (_: string | undefined, key: ReadlineKey) => {
    picker = pressed(picker, key);
    draw();
    if (picker.state !== 'picking') resolve();
  };
  const timer = setInterval(draw, pictureEvery);
  const endKeys = keysOf(process.stdin, onKey);
  try {
    draw();
    await whileListening(
      line,
      (tags) => {
        picker = hearing(picker, tags);
      },
      () => promise,
    );
  } finally {
    clearInterval(timer);
    endKeys();
  }
  if (picker.state === 'cancelled') throw new CalledWrongly('cancelled');
  return picker.heard.filter(({ tag }) => picker.picked.has(tag));
}

/** Keys as they are pressed, without an echo; the function it returns ends that. */
function keysOf(
  input: NodeJS.ReadStream,
  onKey: (text: string | undefined, key: ReadlineKey) => void,
): () => void {
  emitKeypressEvents(input);
  const wasRaw = input.isRaw;
  input.setRawMode(true);
  input.on('keypress', onKey);
  input.resume();
  return () => {
    input.off('keypress', onKey);
    input.setRawMode(wasRaw);
    input.pause();
  };
}

/** Some lines of a terminal that are drawn over each time. */
class Screen {
  readonly #output: NodeJS.WriteStream;
  #lines = 0;

  constructor(output: NodeJS.WriteStream) {
    this.#output = output;
  }

  get width(): number {
    return (this.#output.columns || 80) - 1;
  }

  get height(): number {
    return this.#output.rows || 24;
  }

  draw(lines: readonly string[]): void {
    const up = this.#lines === 0 ? '' : `\x1b[${this.#lines}A`;
    this.#output.write(`${up}${lines.map((line) => `\x1b[2K${line}\n`).join('')}\x1b[J`);
    this.#lines = lines.length;
  }
}
