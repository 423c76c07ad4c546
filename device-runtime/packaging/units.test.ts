import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const test = suite("the gateway's unit");

const unit = readFileSync(join(import.meta.dirname, 'loadline-gateway.service'), 'utf8');

/** What it says under a key; a key may stand there several times. */
function said(key: string): string[] {
  return unit
    .split('\n')
    .filter((line) => line.startsWith(`${key}=`))
    .map((line) => line.slice(key.length + 1));
}

test('takes the word of a child: Node cannot give it to systemd itself', () => {
  assert.equal(said('Type'), ['notify']);
  assert.equal(said('NotifyAccess'), ['all']);
});

test('is never given up, but where its configuration cannot be used', () => {
  assert.equal(said('Restart'), ['always']);
  assert.equal(said('StartLimitIntervalSec'), ['0']);
  assert.equal(said('RestartPreventExitStatus'), ['78']);
});

test.run();
