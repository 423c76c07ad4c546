import { configurationTable } from '@loadline/device-runtime/docs';
import { events } from '@loadline/sdk/contract';

/** A table in the docs that the code has the content of, between two markers in the text. */
interface Table {
  /** From the top of the project. */
  readonly file: string;
  readonly name: string;
  readonly content: () => string;
}

export const tables: readonly Table[] = [
  { file: 'docs/gateway.md', name: 'configuration', content: configurationTable },
  { file: 'docs/gateway.md', name: 'events', content: eventsTable },
];

/** Every event, what it means and what to do. */
function eventsTable(): string {
  const rows = Object.entries(events).map(
    ([code, { severity, meaning, act }]) => `| \`${code}\` | ${severity} | ${meaning} | ${act} |`,
  );
  return ['| event | severity | it means | do |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

/** The text of a file with its table put in. Throws where the markers are not there. */
export function withTable(text: string, { name, content, file }: Table): string {
  const begin = `<!-- ${name}: written by npm run docs -->`;
  const end = `<!-- end of ${name} -->`;
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`${file} has no place for its table: ${begin} … ${end}`);
  return `${text.slice(0, from + begin.length)}\n\n${content()}\n\n${text.slice(to)}`;
}
