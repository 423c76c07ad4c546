/**
 * Which port has which device, so that two ports of one pattern never open the same one: the lock that serialport
 * takes is the process's own, and a second opening would split the bytes between two readers.
 */
export class Claims<Owner> {
  readonly #owners = new Map<number, Owner>();

  /** Whether `device` is `owner`'s now: it was free, or his already. */
  claim(device: number, owner: Owner): boolean {
    const present = this.#owners.get(device);
    if (present !== undefined) return present === owner;
    this.#owners.set(device, owner);
    return true;
  }

  isFreeFor(device: number, owner: Owner): boolean {
    const present = this.#owners.get(device);
    return present === undefined || present === owner;
  }

  /** Gives a claimed device to another. */
  pass(device: number, to: Owner): void {
    this.#owners.set(device, to);
  }

  release(device: number, owner: Owner): void {
    if (this.#owners.get(device) === owner) this.#owners.delete(device);
  }
}
