type Task = () => void;

/** Milliseconds of work in one turn of the event loop: between turns pings are answered and commits acknowledged. */
const turnMilliseconds = 5;

/**
 * Shares the process between devices. Work is done at once while there is time in the turn of the event loop;
 * past that it waits, and the waiting devices come to their turns one after the other, so that what one sends in
 * bulk delays its own deliveries and hardly another's. For one device the order is kept.
 */
export class Turns {
  readonly #monotonic: () => number;
  readonly #waiting = new Map<string, Task[]>();
  #spent = 0;
  #scheduled = false;

  /** `monotonic`: ms. */
  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  /** Does `task` for `device`, now or in a later turn. */
  run(device: string, task: Task): void {
    if (this.#waiting.size === 0 && this.#spent < turnMilliseconds) this.#do(task);
    else {
      const tasks = this.#waiting.get(device);
      if (tasks === undefined) this.#waiting.set(device, [task]);
      else tasks.push(task);
    }
    this.#schedule();
  }

  #do(task: Task): void {
    const start = this.#monotonic();
    task();
    this.#spent += this.#monotonic() - start;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#spent = 0;
      this.#turn();
      if (this.#waiting.size > 0) this.#schedule();
    });
  }

  /** One task of each device in rotation, until the time is up. */
  #turn(): void {
    while (this.#spent < turnMilliseconds) {
      const [next] = this.#waiting;
      if (next === undefined) return;
      const [device, tasks] = next;
      // To the end of the row, if there is more of it.
      this.#waiting.delete(device);
      const task = tasks.shift();
      if (tasks.length > 0) this.#waiting.set(device, tasks);
      if (task !== undefined) this.#do(task);
    }
  }
}
