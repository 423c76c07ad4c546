/** Tells how far a build is: what is done now, and how long each thing took. */
export interface Steps {
  step<T>(name: string, work: () => Promise<T>): Promise<T>;
  note(text: string): void;
  /** Seconds of each step so far. */
  readonly seconds: Readonly<Record<string, number>>;
}

/** @param signal aborted where it is interrupted: its reason is what a step then fails with, and no other is begun */
export function stepsTo(write: (text: string) => void, signal: AbortSignal): Steps {
  const seconds: Record<string, number> = {};
  return {
    seconds,
    note: (text) => write(`${text}\n`),
    async step(name, work) {
      signal.throwIfAborted();
      write(`${name} …`);
      const began = performance.now();
      try {
        const result = await work();
        const took = (performance.now() - began) / 1000;
        seconds[name] = Math.round(took * 10) / 10;
        write(` ${took.toFixed(1)} s\n`);
        return result;
      } catch (error) {
        write(signal.aborted ? ' interrupted\n' : ' failed\n');
        throw signal.aborted ? signal.reason : error;
      }
    },
  };
}
