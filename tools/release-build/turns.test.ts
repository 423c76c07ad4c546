import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inTurn } from './turns.ts';

const test = suite<{ folder: string }>('builds into one folder');

test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'loadline-turns-'));
});
test.after.each(({ folder }) => rmSync(folder, { recursive: true }));

test('that are begun at once are done one after the other, and who waits says so', async ({ folder }) => {
  const out = join(folder, 'made/for/it');
  const told: string[] = [];
  const build = () =>
    inTurn(
      out,
      (line) => told.push(line),
      async () => {
        const place = join(out, 'release.new');
        assert.not.ok(existsSync(place), 'another build is at work');
        writeFileSync(place, '');
        await new Promise((resolve) => setTimeout(resolve, 50));
        rmSync(place);
        return 'built';
      },
    );
  assert.equal(await Promise.all([build(), build(), build()]), ['built', 'built', 'built']);
  assert.equal(told, Array(2).fill(`another build is at work in ${out}: this one waits for it`));
  assert.equal(readdirSync(out), []);
});

test('do not wait for one that was killed, nor for one that failed', async ({ folder }) => {
  writeFileSync(join(folder, 'lock'), JSON.stringify({ boot: 'another', pid: 1, started: '1' }));
  const waits = () => assert.unreachable('it waits');
  const failed = await inTurn(folder, waits, () => Promise.reject(new Error('spoiled'))).catch(
    ({ message }: Error) => message,
  );
  assert.is(failed, 'spoiled');
  assert.is(await inTurn(folder, waits, async () => 'built'), 'built');
});

test.run();
