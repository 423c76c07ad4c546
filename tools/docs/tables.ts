import { configurationTable, keysTable } from '@loadline/device-runtime/docs';
import { openApi } from '@loadline/sdk/api';
import { events } from '@loadline/sdk/contract';
import { refusals } from '@loadline/sdk/provisioning';
import { exitCodesTable as flashExitCodesTable } from '../flash/outcome.ts';
import { scopesNeededTable } from '../provision/field-cloud.ts';
import { exitCodesTable } from '../provision/outcome.ts';
import { siteFileSchema } from '../provision/site-file.ts';
import { refusalsOfGatewayTable } from '../provision/words.ts';
import { operationsTable, refusalsTable, rolesTable, scopesTable } from './api-tables.ts';

/** Something in the docs that the code has the content of. */
interface Written {
  /** From the top of the project. */
  readonly file: string;
  readonly name: string;
  /** The text of the file with it in, from the text that is there. */
  readonly into: (text: string) => string;
}

/** All of it, in the order in which it is written. */
export const written: readonly Written[] = [
  between('docs/gateway.md', 'configuration', configurationTable),
  between('docs/gateway.md', 'events', eventsTable),
  between('docs/api.md', 'operations', operationsTable),
  between('docs/api.md', 'scopes', scopesTable),
  between('docs/api.md', 'roles', rolesTable),
  between('docs/api.md', 'refusals', refusalsTable),
  between('docs/provisioning.md', 'scopes to provision', scopesNeededTable),
  between('docs/provisioning.md', 'refusals of the gateway', () => refusalsOfGatewayTable(refusals)),
  between('docs/provisioning.md', 'exit codes', exitCodesTable),
  between('docs/provisioning.md', 'site file', () => keysTable(siteFileSchema)),
  between('docs/flashing.md', 'exit codes', flashExitCodesTable),
  { file: 'docs/openapi.json', name: 'description', into: () => `${JSON.stringify(openApi(), null, 1)}\n` },
];

/** Every event, what it means and what to do. */
function eventsTable(): string {
  const rows = Object.entries(events).map(
    ([code, { severity, meaning, act }]) => `| \`${code}\` | ${severity} | ${meaning} | ${act} |`,
  );
  return ['| event | severity | it means | do |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

/** Content between two markers in a text. Throws where the markers are not there. */
function between(file: string, name: string, content: () => string): Written {
  const begin = `<!-- ${name}: written by npm run docs -->`;
  const end = `<!-- end of ${name} -->`;
  const into = (text: string) => {
    const from = text.indexOf(begin);
    const to = text.indexOf(end);
    if (from < 0 || to < from) throw new Error(`${file} has no place for its ${name}: ${begin} … ${end}`);
    return `${text.slice(0, from + begin.length)}\n\n${content()}\n\n${text.slice(to)}`;
  };
  return { file, name, into };
}
