/** Where a queue keeps its readings: each a text without a line's end, in deliveries that have a name. */
export interface Shelf {
  /** What was kept there before, oldest first. */
  readonly found: readonly Kept[];
  /** Lines that were found and are not what was written. */
  readonly damaged: number;
  /** Keeps readings at the end of a delivery, which is begun where it is not there. @throws QueueError, and keeps none of them */
  append(name: DeliveryName, readings: readonly string[]): void;
  /** The readings of a delivery, when they are sure to be the same ones after a power cut; none where it is gone. @throws QueueError */
  seal(name: DeliveryName): Promise<readonly string[]>;
  /** Forgets a delivery. */
  remove(name: DeliveryName): void;
  close(): Promise<void>;
}

/** A delivery that was found. */
export interface Kept {
  readonly name: DeliveryName;
  readonly readings: readonly string[];
}

/** What a delivery is called: a number that grows, and what tells one client's from another's. */
export interface DeliveryName {
  readonly number: number;
  readonly client: string;
}

export function keyOf({ number, client }: DeliveryName): string {
  return `${number}-${client}`;
}

/** In memory: gone with the process. */
export class MemoryShelf implements Shelf {
  readonly found = [];
  readonly damaged = 0;
  readonly #deliveries = new Map<string, string[]>();

  append(name: DeliveryName, readings: readonly string[]): void {
    const key = keyOf(name);
    const there = this.#deliveries.get(key);
    if (there === undefined) this.#deliveries.set(key, [...readings]);
    else there.push(...readings);
  }

  async seal(name: DeliveryName): Promise<readonly string[]> {
    return this.#deliveries.get(keyOf(name)) ?? [];
  }

  remove(name: DeliveryName): void {
    this.#deliveries.delete(keyOf(name));
  }

  async close(): Promise<void> {}
}
