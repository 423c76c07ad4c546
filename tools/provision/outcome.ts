/** How `loadline provision` can end: what the exit code is, and what it means. */
export const outcomes = {
  provisioned: { code: 0, means: 'the gateway is provisioned, and a reading of it was acknowledged' },
  reset: { code: 0, means: "the gateway is nobody's any more (`loadline provision reset`)" },
  failed: {
    code: 1,
    means:
      'it failed before anything was put in force: the gateway is what it was; do what it says, and run it again. Also where it is provisioned already, and not as ordered (`--rewrite`)',
  },
  'called-wrongly': {
    code: 2,
    means: 'wrong usage: an unknown option, a site file that cannot be used, no port',
  },
  'no-cloud': { code: 3, means: 'the cloud cannot be reached, or nobody is logged in' },
  staged: {
    code: 4,
    means: 'what the gateway needs is in force; it enrols by itself when it first has a network (`--kit`)',
  },
  'refused-by-gateway': { code: 5, means: 'the gateway refused: the reason says why' },
  'refused-by-cloud': { code: 6, means: 'the cloud refused: the reason says why' },
  'not-delivered': {
    code: 7,
    means: 'the gateway is provisioned, and no reading was acknowledged yet; run it again to see one through',
  },
  'record-not-kept': {
    code: 8,
    means:
      'the gateway is provisioned and delivers, or is staged; the record of it is not at the cloud (`loadline provision deliver`), or not signed (run it again)',
  },
} as const satisfies Record<string, { readonly code: number; readonly means: string }>;

export type Outcome = keyof typeof outcomes;

/** A provisioning that did not come to its end: what was wrong and where, and what to do. */
export class ProvisionFailure extends Error {
  override readonly name = 'ProvisionFailure';
  readonly outcome: Outcome;
  /** A code of the gateway or of the cloud, where one of them refused. */
  readonly code: string | null;
  /** What to do. */
  readonly act: string;

  constructor(
    outcome: Outcome,
    what: string,
    act: string,
    { code = null, cause }: { code?: string | null; cause?: unknown } = {},
  ) {
    super(what, { cause });
    this.outcome = outcome;
    this.code = code;
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
