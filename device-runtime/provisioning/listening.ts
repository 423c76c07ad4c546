import type { News } from '@loadline/sdk/provisioning';
import type { Reading } from '@loadline/sdk/telemetry';
import type { PortConfig } from '../config/index.ts';
import { Radio } from '../radio/index.ts';
import type { World } from '../world.ts';
import { HeardTags } from './heard-tags.ts';

/** Milliseconds from one telling to the next. */
const tellMilliseconds = 1000;
/** As many ports are listened on at a time. */
const mostPorts = 16;

export interface ListeningOptions {
  readonly world: World;
  /** Serial ports that radio could be heard on. */
  readonly radioPorts: () => Promise<readonly string[]>;
  /** What the gateway hears while it works: it has its ports open itself. Undefined where it does not work. */
  readonly tap: () => Tap | undefined;
}

/** Frames of a gateway that works. */
export interface Tap {
  /** Begins to give them; ends it by what is returned. */
  begin(onReading: (reading: Reading) => void): () => void;
  /** The device of a configured port. */
  pathOf(port: string): string;
}

/** One who listens. */
interface Listener {
  readonly heard: HeardTags;
  /** Closes the ports, once they are open; undefined while it is suspended. */
  end: Promise<() => Promise<void>> | undefined;
}

/** Hears which tags are on the air: through the gateway where it works, on every serial port where it does not. */
export class Listening {
  readonly #options: ListeningOptions;
  readonly #listeners = new Set<Listener>();

  constructor(options: ListeningOptions) {
    this.#options = options;
  }

  /**
   * Begins, and tells once a second; resolves when all ports are closed again, by what is returned.
   *
   * @param tell resolves when it was told: until then nothing more is. A UART takes seconds for hundreds of tags, and
   * answers to questions would stand behind all that waits.
   */
  begin(tell: (tags: News<'heard'>['tags']) => Promise<void>): () => Promise<void> {
    const { world } = this.#options;
    const heard = new HeardTags();
    const listener: Listener = { heard, end: this.#open(heard) };
    this.#listeners.add(listener);
    let isTelling = false;
    const timer = setInterval(async () => {
      if (isTelling) return;
      isTelling = true;
      await tell(heard.list(world.clock.monotonic()));
      isTelling = false;
    }, tellMilliseconds);
    return async () => {
      clearInterval(timer);
      this.#listeners.delete(listener);
      await close(listener);
    };
  }

  /** Leaves the ports to a gateway that is about to begin, or to end; `resume` goes on by what there is then. */
  async suspend(): Promise<void> {
    await Promise.all([...this.#listeners].map(close));
  }

  resume(): void {
    for (const listener of this.#listeners) listener.end ??= this.#open(listener.heard);
  }

  async #open(heard: HeardTags): Promise<() => Promise<void>> {
    const { world, radioPorts, tap } = this.#options;
    const gateway = tap();
    if (gateway !== undefined) {
      const end = gateway.begin((reading) =>
        heard.heard(reading, gateway.pathOf(reading.port), reading.monotonic),
      );
      return async () => end();
    }
    const { binding, clock, log } = world;
    const paths = (await radioPorts()).slice(0, mostPorts);
    const radio = new Radio({
      ports: paths.map(portOf),
      binding,
      clock,
      log,
      onHeard: (frames) => {
        for (const { port, at, content } of frames) {
          if (content.kind === 'measurement') heard.heard(content, port, at);
        }
      },
      onChange: () => {},
      onEvent: ({ code, subject, detail }) => log.info('listening', { code, port: subject, detail }),
    });
    radio.open();
    return () => radio.stop();
  }
}

async function close(listener: Listener): Promise<void> {
  const { end } = listener;
  listener.end = undefined;
  await (await end)?.();
}

/** As a base station is set up when it is new. */
function portOf(path: string): PortConfig {
  return { name: path, path, baud: 115_200, driver: 't24', options: {}, transmit: false };
}
