/** One thing that is wrong, or may be. */
export interface Finding {
  readonly severity: 'error' | 'warning';
  /** What it is about, in a word or two: `cloud`, `port radio`, `certificate`. */
  readonly about: string;
  readonly says: string;
  readonly act: string;
}

export const error = (about: string, says: string, act: string): Finding => ({
  severity: 'error',
  about,
  says,
  act,
});
export const warning = (about: string, says: string, act: string): Finding => ({
  severity: 'warning',
  about,
  says,
  act,
});

/** 0 fine, 1 warnings, 2 errors, 3 the gateway could not be asked. */
export type ExitCode = 0 | 1 | 2 | 3;

export function exitCodeOf(findings: readonly Finding[], isAsked: boolean): ExitCode {
  if (!isAsked) return 3;
  if (findings.some(({ severity }) => severity === 'error')) return 2;
  return findings.length > 0 ? 1 : 0;
}

/** Errors before warnings; each in the order it was found in. */
export function bySeverity(findings: readonly Finding[]): Finding[] {
  return [
    ...findings.filter(({ severity }) => severity === 'error'),
    ...findings.filter(({ severity }) => severity === 'warning'),
  ];
}
