import { timeInWords } from '../words.ts';

interface Props {
  readonly at: string | null;
  /** What stands where there is none. */
  readonly nothing?: string;
}

/** A time, as people write it where they are. */
export function Time({ at, nothing }: Props) {
  if (at === null) return <span>{nothing ?? '–'}</span>;
  return <time dateTime={at}>{timeInWords(at)}</time>;
}
