import type { Log } from '@loadline/sdk/platform';
import type { BindingInterface } from '@serialport/bindings-cpp';
import type { Flasher } from '../flashing/index.ts';
import type { Agent } from './agent.ts';
import { Door } from './door.ts';
import type { PhysicalAct } from './physical-act.ts';
import type { SiteStore } from './store.ts';

/** Milliseconds between two looks at the physical act. */
const lookMilliseconds = 1000;
/** Milliseconds without a question after which the mode of a gateway that is provisioned ends by itself. */
const idleMilliseconds = 30 * 60_000;

export interface ModeOptions {
  readonly ports: readonly string[];
  readonly binding: BindingInterface;
  readonly agent: Agent;
  /** Undefined where no release is taken over the line. */
  readonly flasher: Flasher | undefined;
  readonly log: Log;
  /** Milliseconds that never step. */
  readonly monotonic: () => number;
  readonly store: Pick<SiteStore, 'inForce' | 'isFinished' | 'finish'>;
  /** Undefined where there is none to be done. */
  readonly act: PhysicalAct | undefined;
}

/**
 * The provisioning mode: open while the gateway is nobody's, or what was begun has not come to its end; and again when
 * somebody does the physical act.
 */
export class Mode {
  readonly #options: ModeOptions;
  #doors: readonly Door[] = [];
  #askedAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(options: ModeOptions) {
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#doors.length > 0;
  }

  /** Opens it where it is to be open, and looks from then on. */
  async start(): Promise<void> {
    await this.#look();
    if (this.#isStopped) return;
    this.#timer = setInterval(() => {
      this.#looking = this.#looking.then(() => this.#look());
    }, lookMilliseconds);
  }

  /** It is done: the ttys are released, and the physical act has counted. */
  async done(): Promise<void> {
    await this.#finish();
    await this.#close('done');
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    await this.#looking;
    await this.#options.flasher?.stop();
    await this.#close('the gateway stops');
  }

  async #look(): Promise<void> {
    const { act, store, monotonic, log } = this.#options;
    try {
      const isDone = (await act?.look()) ?? false;
      if (this.#isStopped) return;
      const isProvisioned = store.inForce !== undefined;
      if (!this.isOpen) {
        if (!isProvisioned) this.#open('the gateway is not provisioned');
        else if (isDone) this.#open('the physical act was done');
        else if (!store.isFinished) this.#open('its provisioning was cut off before the end');
      } else if (isProvisioned && !isDone && monotonic() - this.#askedAt > idleMilliseconds) {
        await this.#finish();
        await this.#close('nobody has asked anything for half an hour');
      }
    } catch (error) {
      log.error('provisioning-fault', { reason: (error as Error).message });
    }
  }

  /** Before the ttys are released: nothing opens them again then. */
  async #finish(): Promise<void> {
    const { act, store, log } = this.#options;
    try {
      await act?.spend();
      await store.finish();
    } catch (error) {
      log.error('provisioning-fault', { reason: (error as Error).message });
    }
  }

  #open(why: string): void {
    const { ports, binding, agent, flasher, log, monotonic } = this.#options;
    log.info('provisioning-mode', { state: 'open', why, ports: ports.join(' ') });
    this.#askedAt = monotonic();
    const onAsked = () => {
      this.#askedAt = monotonic();
    };
    this.#doors = ports.map((path) => new Door({ path, binding, agent, flasher, log, onAsked }));
    for (const door of this.#doors) door.open();
  }

  async #close(why: string): Promise<void> {
    if (!this.isOpen) return;
    const doors = this.#doors;
    this.#doors = [];
    await Promise.all(doors.map((door) => door.close()));
    this.#options.log.info('provisioning-mode', { state: 'closed', why });
  }
}
