import type { Command } from 'commander';
import { CalledWrongly } from '../cloud/outcome.ts';

/** Options by what they are of: the command has two uses, and what is said of the other one would do nothing. */
const of = {
  card: ['image', 'to', 'config', 'kit', 'yesWrite'],
  line: ['release', 'releaseVersion', 'port', 'baud', 'wait'],
} as const;

/** What is to be done: nothing but look, where nothing was said. */
export type Use = 'list' | 'card' | 'line';

/**
 * Which use was meant.
 *
 * @throws CalledWrongly where options of both were said: somebody who forgot `--serial` is not to be shown a list of disks
 */
export function useOf(command: Command, isSerial: boolean): Use {
  const said = (names: readonly string[]) =>
    command.options
      .filter((option) => names.includes(option.attributeName()))
      .filter((option) => command.getOptionValueSource(option.attributeName()) === 'cli')
      .map(({ long }) => long);
  const strange = said(isSerial ? of.card : of.line).join(', ');
  if (strange === '') return isSerial ? 'line' : said(of.card).length > 0 ? 'card' : 'list';
  throw new CalledWrongly(
    isSerial
      ? `--serial brings a release to a gateway, and ${strange} is for cards`
      : `${strange} is for a gateway on a serial line: it goes with --serial`,
  );
}
