// npm run matrix -- [--write]
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { inhabit } from '../inhabited/site.ts';
import { temporaryCloud } from '../scenarios/temporary-cloud.ts';
import { askAll } from './ask.ts';
import { render } from './table.ts';

const usage = `Usage: npm run matrix -- [--write]

Asks a cloud who may do what, and prints each line in which it differs from hil-tests/isolation/matrix.txt.

  --write   write what was found there; whoever does so has read every line that changed

Exit codes: 0 nothing differs, or it was written; 1 something differs; 2 called wrongly.
`;

const file = join(import.meta.dirname, 'matrix.txt');

process.exitCode = await main();

async function main(): Promise<number> {
  let isWritten: boolean;
  try {
    const { values } = parseArgs({ options: { write: { type: 'boolean' }, help: { type: 'boolean' } } });
    if (values.help) {
      process.stdout.write(usage);
      return 0;
    }
    isWritten = values.write ?? false;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${usage}`);
    return 2;
  }
  const temporary = await temporaryCloud();
  try {
    const site = await inhabit(temporary.cloud, temporary.state);
    const found = render(await askAll(site, (name) => process.stderr.write(`${name}\n`)));
    site.close();
    for (const line of temporary.cloud.service.log) if (line.level === 'error') console.log(line);
    const before = readLines();
    const lines = found.split('\n');
    const differing = [
      ...before.filter((line) => !lines.includes(line)).map((line) => `- ${line}`),
      ...lines.filter((line) => !before.includes(line)).map((line) => `+ ${line}`),
    ];
    if (differing.length > 0) console.log(differing.join('\n'));
    if (isWritten) writeFileSync(file, found);
    return differing.length === 0 || isWritten ? 0 : 1;
  } finally {
    await temporary.end();
  }
}

function readLines(): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    return [];
  }
}
