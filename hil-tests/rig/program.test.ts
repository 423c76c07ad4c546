import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RigError } from './errors.ts';
import { Program } from './program.ts';
import { until } from './until.ts';

const test = suite('a program of the user');

const node = (source: string) => new Program(process.execPath, ['--eval', source]);
const counting = `let n = 0; setInterval(() => console.log('reading', n++), 5);`;

const refusal = async (promise: Promise<unknown>): Promise<RigError> => {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof RigError);
  return error;
};

test('is waited for by what it prints: since its start, or from now on', async () => {
  await using program = node(counting);
  assert.is(await program.said(/^reading/, { times: 3 }), 'reading 2');
  assert.is(await program.said(/^reading/, { times: 2 }), 'reading 1');
  const known = program.lines.length;
  assert.is(await program.says(/^reading/), `reading ${known}`);
});

test('that says nothing of the kind is given up, with what it said last', async () => {
  await using program = node(`console.error('no such port'); setInterval(() => {}, 1000);`);
  await program.said(/port/);
  const error = await refusal(program.said(/open/, { limitMs: 20 }));
  assert.is(error.code, 'timeout');
  assert.not('takenBytes' in error, 'of an error that is about no bytes, nothing of bytes is shown');
  assert.match(error.message, /said \/open\/ 0 times in 20 ms, and not 1.*\n {2}no such port/s);
});

test('that ends before it said so is not waited for', async () => {
  const program = node(`console.log('leaving'); process.exitCode = 3;`);
  const { code, message } = await refusal(program.said(/open/));
  assert.is(code, 'ended');
  assert.match(message, /ended \(3\) before it said \/open\/.*\n {2}leaving/s);
  assert.equal(await program.stop(), { code: 3, signal: null });
});

test('that there is not has ended, and says why', async () => {
  const program = new Program('no-such-gateway');
  const { code, message } = await refusal(program.said(/open/));
  assert.is(code, 'ended');
  assert.match(message, 'ENOENT');
  await program.stop();
});

const isGone = (pid: number) => {
  try {
    return process.kill(pid, 0) && false;
  } catch {
    return true;
  }
};

test('ends with the programs that it started, and they with it', async () => {
  const program = new Program('sh', ['-c', 'sleep 60 & echo $!; wait']);
  const child = Number(await program.said(/^\d+$/));
  await program.stop();
  await until(() => isGone(child), { what: 'its child has ended' });

  const leaving = new Program('sh', ['-c', 'sleep 60 >/dev/null 2>&1 & echo $!']);
  const left = Number(await leaving.said(/^\d+$/));
  assert.equal(await leaving.ended, { code: 0, signal: null });
  await until(() => isGone(left), { what: 'what it left behind has ended' });
});

test('ends with the test that started it, of whatever that is killed', async () => {
  for (const signal of ['SIGINT', 'SIGKILL'] as const) {
    const { href } = new URL('./program.ts', import.meta.url);
    await using killed = node(`import('${href}').then(async ({ Program }) => {
      // Not so much as a warning, of however many.
      const all = Array.from({ length: 12 }, () => new Program('sleep', ['60']));
      console.log(all.map(({ pid }) => pid).join(' '));
      await all[0].ended;
    })`);
    const pids = (await killed.said(/^(\d+ ?)+$/)).split(' ').map(Number);
    assert.is(pids.length, 12);
    process.kill(killed.pid, signal);
    await until(() => pids.every(isGone), { what: `they end with a test that got ${signal}` });
    assert.is(killed.lines.length, 1, killed.lines.join('\n'));
  }
});

test.run();
