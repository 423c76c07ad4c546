import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const test = suite("the gateway's unit");

const textOf = (name: string) => readFileSync(join(import.meta.dirname, name), 'utf8');

/** What it says under a key; a key may stand there several times. */
function said(key: string, unit = 'loadline-gateway.service'): string[] {
  return textOf(unit)
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

test('what a release on trial cannot do as root is done by the one that it is gone back to', () => {
  for (const helper of ['loadline-network.service', 'loadline-update.service']) {
    assert.equal(said('Type', helper), ['oneshot']);
    assert.equal(said('Restart', helper), ['on-failure'], helper);
  }
});

test.run();
