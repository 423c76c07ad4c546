// The launcher, started by the Node of the system, which may be an older one.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const test = suite('launcher');

const launcher = join(import.meta.dirname, 'launch.mjs');

/** Nodes of the path, each with its version. */
function nodes(): { path: string; major: number }[] {
  return (process.env.PATH ?? '').split(delimiter).flatMap((folder) => {
    const path = join(folder, 'node');
    const { status, stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' });
    return status === 0 ? [{ path, major: Number(/^v(\d+)/.exec(stdout)?.[1]) }] : [];
  });
}

const older = nodes().find(({ major }) => major !== 24);

if (older === undefined) {
  console.log('skipped: launcher: every node on the path is a Node 24, and would start itself');
  test('has nothing to find', () => undefined);
} else {
  const folder = mkdtempSync(join(tmpdir(), 'loadline-launcher-'));
  test.after(() => rmSync(folder, { recursive: true }));

  test('runs a file on the Node 24 that was installed, whatever started it, and ends as that ended', () => {
    const file = join(folder, 'says.mjs');
    writeFileSync(file, 'console.log(process.versions.node, process.argv[2]); process.exitCode = 3;\n');
    const { status, stdout } = spawnSync(older.path, [launcher, file, 'word'], { encoding: 'utf8' });
    assert.match(stdout, /^24\.\d+\.\d+ word$/m);
    assert.is(status, 3);
  });
}

test.run();
