/** How `loadline flash` can end: what the exit code is, and what it means. */
export const outcomes = {
  written: { code: 0, means: 'the image was written, and read back as it was' },
  confirmed: {
    code: 0,
    means: 'over a serial line: the release runs, and the gateway has confirmed it (or ran it already)',
  },
  failed: { code: 1, means: 'it failed; what is said tells why' },
  'called-wrongly': {
    code: 2,
    means: 'wrong usage, or the name of the disk was not typed: nothing was written',
  },
  'disk-refused': {
    code: 3,
    means:
      'the disk is not one to write to: mounted, in use, fixed, a partition, read-only, too small; nothing was written, or, where only the end of the image showed its size, what was written does not start',
  },
  'image-refused': {
    code: 4,
    means: 'the image or its block map is damaged, or not what it is to be; what was written does not start',
  },
  'fake-capacity': { code: 5, means: 'the disk holds less than it says: it loses what is written to it' },
  unplugged: {
    code: 6,
    means: 'the disk was pulled, or does not answer any more: what was written does not start',
  },
  'not-verified': { code: 7, means: 'what was read back is not what was written: the disk is bad' },
  'site-refused': {
    code: 8,
    means:
      'what `--config` names cannot be placed on the card; nothing was written, or, where the boot partition did not take it, what was written does not start',
  },
  'no-gateway': { code: 9, means: 'no gateway answers on the serial line' },
  'refused-by-gateway': { code: 10, means: 'the gateway refused the release: the reason says why' },
  'rolled-back': {
    code: 11,
    means: 'the release was tried, and the gateway went back to the one before it: it works as before',
  },
  interrupted: { code: 130, means: 'Ctrl-C or a signal: what was written does not start' },
} as const satisfies Record<string, { readonly code: number; readonly means: string }>;

export type Outcome = keyof typeof outcomes;

/** A flashing that did not come to its end: what was wrong and where, and what to do. */
export class FlashFailure extends Error {
  override readonly name = 'FlashFailure';
  readonly outcome: Outcome;
  /** What to do. */
  readonly act: string;

  constructor(outcome: Outcome, what: string, act: string, options?: ErrorOptions) {
    super(what, options);
    this.outcome = outcome;
    this.act = act;
  }
}

/** The table of exit codes, Markdown. */
export function exitCodesTable(): string {
  const rows = Object.entries(outcomes).map(
    ([name, { code, means }]) => `| ${code} | \`${name}\` | ${means} |`,
  );
  return ['| exit code | result | it means |', '| --- | --- | --- |', ...rows].join('\n');
}
