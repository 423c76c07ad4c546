// npm run hil -- --list | --scenario NAME | --all [--seed S] [--json]
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildBundles } from '../runner/build.ts';
import { type FileResult, runFile } from '../runner/run-file.ts';
import { findScenarios, type Scenario } from './scenarios.ts';

const usage = `Usage: npm run hil -- --list
       npm run hil -- --scenario NAME [--scenario NAME …] [--seed S] [--json]
       npm run hil -- --all [--seed S] [--json]

Plays situations through on the shipped programs: a gateway bundle on a virtual serial port, a cloud, and whatever
goes wrong between them. Simulated radio, real kernel ttys, real TLS, a real database.

  --list            the scenarios, and what each is about
  --scenario NAME   this one; may be given again
  --all             every one, in the order of the list
  --seed S          for scenarios that draw by lot (default: 1); the same seed draws the same
  --json            one line of JSON: {"seed","passed","failed","skipped","scenarios":[{"name","what","passed",
                    "failed","skipped","seconds","problems"}]}

Exit codes: 0 all passed, 1 something failed, 2 called wrongly.
`;

const root = join(import.meta.dirname, '../..');

process.exitCode = await main();

async function main(): Promise<number> {
  let options: ReturnType<typeof readOptions>;
  try {
    options = readOptions();
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${usage}`);
    return 2;
  }
  const all = findScenarios(root);
  if (options.help) {
    process.stdout.write(usage);
    return 0;
  }
  if (options.list) {
    const width = Math.max(...all.map(({ name }) => name.length));
    for (const { name, what } of all) console.log(`${name.padEnd(width)}  ${what}`);
    return 0;
  }
  const chosen = options.all ? all : all.filter(({ name }) => options.scenario.includes(name));
  const unknown = options.scenario.filter((name) => !all.some((one) => one.name === name));
  if (unknown.length > 0 || chosen.length === 0) {
    process.stderr.write(
      unknown.length > 0 ? `there is no scenario ${unknown.join(', ')}: --list has them\n` : usage,
    );
    return 2;
  }
  return await run(chosen, options.seed, options.json);
}

async function run(chosen: readonly Scenario[], seed: string, json: boolean): Promise<number> {
  // What people read goes where it does not disturb what machines read.
  const say = (text: string) => (json ? process.stderr : process.stdout).write(`${text}\n`);
  const failure = buildBundles(root);
  if (failure !== undefined) {
    say(failure);
    return 1;
  }
  process.env.LOADLINE_SEED = seed;
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => interrupted.abort());
  }
  const results: (FileResult & Pick<Scenario, 'name' | 'what'>)[] = [];
  for (const { name, what, file } of chosen) {
    if (interrupted.signal.aborted) break;
    say(`${name}: ${what}`);
    const result = await runFile(root, file, interrupted.signal);
    results.push({ ...result, name, what });
    const { passed, failed, skipped, seconds, problems, output } = result;
    if (failed > 0) say([...problems, output.trimEnd()].join('\n'));
    say(`  ${passed} passed, ${failed} failed, ${skipped} skipped, ${seconds.toFixed(1)} s`);
  }
  const sum = (of: 'passed' | 'failed' | 'skipped') => results.reduce((total, one) => total + one[of], 0);
  const [passed, failed, skipped] = [sum('passed'), sum('failed'), sum('skipped')];
  if (json) {
    const scenarios = results.map(({ name, what, passed, failed, skipped, seconds, problems }) => ({
      name,
      what,
      passed,
      failed,
      skipped,
      seconds: Math.round(seconds * 10) / 10,
      problems,
    }));
    process.stdout.write(`${JSON.stringify({ seed: Number(seed), passed, failed, skipped, scenarios })}\n`);
  } else {
    say(`${passed} passed, ${failed} failed, ${skipped} skipped; seed ${seed}`);
  }
  return failed > 0 || interrupted.signal.aborted ? 1 : 0;
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      list: { type: 'boolean', default: false },
      all: { type: 'boolean', default: false },
      scenario: { type: 'string', multiple: true, default: [] },
      seed: { type: 'string', default: '1' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (!/^\d{1,15}$/.test(values.seed)) throw new Error(`--seed ${values.seed}: it must be a whole number`);
  return values;
}
