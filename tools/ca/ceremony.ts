import { networkInterfaces } from 'node:os';
import { readIfThere } from '@loadline/sdk/platform';
import { CalledWrongly } from '../cloud/outcome.ts';
import { askSure, canAsk } from '../cloud/prompts.ts';

/** A machine without a network has its clock from a battery, if that: earlier than this, it has not. */
const notBefore = Date.UTC(2026, 0, 1);

/** Goes on only where all of these were named, or somebody who compares says that they are those. */
export async function mustBeExpected(
  found: readonly string[],
  expected: readonly string[],
  question: string,
): Promise<void> {
  if (expected.length > 0) {
    if (found.some((each) => !expected.includes(each)))
      throw new Error('not signed: the fingerprint is not the one that --expect names');
    return;
  }
  if (!canAsk())
    throw new CalledWrongly('nobody is at a terminal to compare the fingerprint: give it with --expect');
  await askSure(question);
}

export async function mustBeFree(path: string): Promise<void> {
  if ((await readIfThere(path)) !== undefined)
    throw new CalledWrongly(`${path} is there already: name another file`);
}

/** ms since 1970. @throws CalledWrongly where the machine's clock cannot be right */
export function clock(): number {
  const now = Date.now();
  if (now >= notBefore) return now;
  throw new CalledWrongly(
    `by the clock of this machine it is ${iso(now)}: set it first, or what is signed ends too soon`,
  );
}

/** The addresses of this machine by which others reach it. */
export function addresses(): string[] {
  return Object.entries(networkInterfaces()).flatMap(([name, all = []]) =>
    all.filter(({ internal }) => !internal).map(({ address }) => `${name} ${address}`),
  );
}

/** Words are for standard output, unless that is for programs. */
export function teller(isJson: boolean): (line: string) => void {
  const to = isJson ? process.stderr : process.stdout;
  return (line) => void to.write(`${line}\n`);
}

export function answer(isJson: boolean, result: object): void {
  if (isJson) process.stdout.write(`${JSON.stringify(result)}\n`);
}

export function iso(time: number): string {
  return new Date(time).toISOString();
}
