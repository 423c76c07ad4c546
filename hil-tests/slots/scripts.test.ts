// @long
// The shell scripts that a gateway is started and helped by say nothing that a shell may take otherwise.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launcherPath, packagingPath } from '@loadline/device-runtime';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { needs } from '../runner/debian.ts';

const test = suite('scripts of a gateway');
const shellcheck = await needs('shellcheck');
if (shellcheck !== true) console.log(`skipped: scripts of a gateway: ${shellcheck}`);
const checked = shellcheck === true ? test : test.skip;

function complaints(...files: string[]): string {
  try {
    return execFileSync('shellcheck', ['--shell=sh', '--severity=style', ...files], { encoding: 'utf8' });
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}

checked('shellcheck has nothing to say about them', () => {
  const scripts = readdirSync(packagingPath)
    .map((name) => join(packagingPath, name))
    .filter((file) => readFileSync(file, 'utf8').startsWith('#!/bin/sh'));
  assert.ok(scripts.length >= 2);
  assert.is(complaints(launcherPath, ...scripts), '');
});

checked('and has where a variable is not quoted', () => {
  const folder = mkdtempSync(join(tmpdir(), 'loadline-scripts-'));
  try {
    const file = join(folder, 'unquoted');
    writeFileSync(file, readFileSync(launcherPath, 'utf8').replace('sync "$STATE"', 'sync $STATE'));
    assert.match(complaints(file), 'SC2086');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();
