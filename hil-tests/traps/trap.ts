/** A piece of a file, and what stands there when a guard is taken out. */
export interface Removal {
  /** Relative to the workspace. */
  readonly file: string;
  /** The guard: what stands in the file exactly once. */
  readonly text: string;
  /** What comes in its place: code as it would be written by who does not know the trap. */
  readonly by: string;
}

/** Something that a library, a port or a network does when it is pushed, and what keeps it from harming. */
export interface Trap {
  /** Lower case with hyphens; the library first. */
  readonly name: string;
  /** What bites. */
  readonly bites: string;
  /** What keeps it off, in words. */
  readonly guard: string;
  readonly removals: readonly Removal[];
  /** The files of tests that hold the guard: each must fail without it. */
  readonly heldBy: readonly string[];
}
