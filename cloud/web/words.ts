import { Problem } from './api.ts';

/** What went wrong, in a sentence or two. */
export function inWords(error: unknown): string {
  if (!(error instanceof Problem)) return 'The cloud does not answer. Check the connection and try again.';
  switch (error.code) {
    case 'too-many-attempts':
      return `Too many attempts. Try again ${error.retryAfter === null ? 'later' : `in ${waitInWords(error.retryAfter)}`}.`;
    case 'second-factor-refused':
      return 'This code is wrong, used up, or too old.';
    case 'link-invalid':
      return 'This link is wrong, used up, or too old. Ask for a new one.';
    case 'password-weak':
      return `This password is not taken: ${error.message}.`;
    default:
      return asSentence(error.message);
  }
}

/** A time to wait, given in seconds, in the largest unit that is not too coarse, rounded up. */
export function waitInWords(seconds: number): string {
  const unit = (count: number, name: string): string => `${count} ${name}${count === 1 ? '' : 's'}`;
  if (seconds < 120) return unit(Math.ceil(seconds), 'second');
  if (seconds < 7_200) return unit(Math.ceil(seconds / 60), 'minute');
  if (seconds < 172_800) return unit(Math.ceil(seconds / 3_600), 'hour');
  return unit(Math.ceil(seconds / 86_400), 'day');
}

/** Text with a capital at its beginning and a full stop at its end. */
export function asSentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}

/** A time as people write it where they are; `nothing` where there is none. */
export function timeInWords(time: string | null, nothing = '–'): string {
  if (time === null) return nothing;
  return new Date(time).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
}

/** The words of a text field: what stands between spaces, commas and lines. */
export function wordsOf(text: string): string[] {
  return text.split(/[\s,;]+/).filter((word) => word !== '');
}
