import type { ZxcvbnFactory, ZxcvbnResult } from '@zxcvbn-ts/core';
import { passwordLimits, prepared } from './password-text.ts';

/** Why a password is not taken, in words for whom it is refused. */
const words = {
  'too-short': `it has fewer than ${passwordLimits.shortest} characters`,
  'too-long': `it has more than ${passwordLimits.longest} characters`,
  common: 'it is made of passwords and words that are among the first to be tried',
  context: 'it is made of your own name, your address or the name of your organisation',
  repeated: 'it is made of a repetition, a row of letters or digits, or a row of keys',
  guessable: 'it is easily guessed',
} as const;

export type PasswordFault = keyof typeof words;

export type PasswordJudgement =
  | { readonly kind: 'acceptable' }
  | { readonly kind: 'refused'; readonly faults: readonly PasswordFault[]; readonly reason: string };

/** Guesses that a password has to withstand: the library's highest class begins at 10^10. */
const lowestScore = 4;

/**
 * Characters that are judged: what is weak in so many is refused. Made for it, so many cost 50 ms to judge, during which
 * nothing else is done; all that a password may have would cost half a second.
 */
const judgedCharacters = 40;

/** Characters that have to be left when every word of the context is taken out. */
const fewestBesideContext = 8;

/** Words of the context that are used, the first ones. */
const mostContextWords = 50;

/**
 * Whether a password may be chosen, by somebody of whom `context` is known: e-mail address, names, organisation. It
 * is judged by how it would be guessed, offline, with a list of common and breached passwords: that a word occurs in
 * it is no fault (SP 800-63B-4, section 3.1.1.2), that little is left beside such words is.
 */
export async function judgePassword(
  password: string,
  context: readonly string[],
): Promise<PasswordJudgement> {
  const text = prepared(password);
  const characters = [...text];
  if (characters.length > passwordLimits.longest) return refused(['too-long']);
  const known = ['loadline', ...contextWords(context)].slice(0, mostContextWords);
  const faults = new Set<PasswordFault>();
  if (characters.length < passwordLimits.shortest) faults.add('too-short');
  const result = (await library()).check(characters.slice(0, judgedCharacters).join(''), known);
  if (result.score < lowestScore) for (const fault of weaknesses(result)) faults.add(fault);
  if (isHardlyMoreThan(known, text)) faults.add('context');
  return faults.size === 0 ? { kind: 'acceptable' } : refused([...faults]);
}

function refused(faults: readonly PasswordFault[]): PasswordJudgement {
  return {
    kind: 'refused',
    faults,
    reason: `${faults.map((fault) => words[fault]).join('; ')}: choose another`,
  };
}

/** What the cheapest way to guess it is made of. */
function weaknesses({ sequence }: ZxcvbnResult): PasswordFault[] {
  const found = new Set<PasswordFault>();
  for (const match of sequence) {
    if (match.pattern === 'dictionary') {
      found.add('dictionaryName' in match && match.dictionaryName === 'userInputs' ? 'context' : 'common');
    } else if (['repeat', 'sequence', 'spatial'].includes(match.pattern)) found.add('repeated');
  }
  return found.size === 0 ? ['guessable'] : [...found];
}

/** What is known, whole, without what is between its words, and word by word; what is too short to mean anything not. */
function contextWords(context: readonly string[]): string[] {
  const found = context.flatMap((known) => {
    const whole = prepared(known).toLowerCase();
    const [local = ''] = whole.split('@');
    const parts = whole.split(/[^\p{L}\p{N}]+/u);
    return [whole, local, parts.join(''), ...parts];
  });
  return [...new Set(found)].filter((word) => word.length >= 3);
}

/** Whether next to nothing is left of a text when some words are taken out, whatever their case, the longest first. */
function isHardlyMoreThan(known: readonly string[], text: string): boolean {
  const whole = text.toLowerCase();
  const longestFirst = [...known].sort((one, other) => other.length - one.length);
  const left = longestFirst.reduce((rest, word) => rest.replaceAll(word, ''), whole);
  return left !== whole && [...left].length < fewestBesideContext;
}

let loading: Promise<ZxcvbnFactory> | undefined;

/** Loaded when the first password is judged: its list takes 0.1 s and some 10 MB, and most starts need none of it. */
function library(): Promise<ZxcvbnFactory> {
  loading ??= load();
  return loading;
}

async function load(): Promise<ZxcvbnFactory> {
  const [{ ZxcvbnFactory: Factory }, { adjacencyGraphs, dictionary }] = await Promise.all([
    import('@zxcvbn-ts/core'),
    import('@zxcvbn-ts/language-common'),
  ]);
  return new Factory({ dictionary, graphs: adjacencyGraphs, maxLength: judgedCharacters });
}
