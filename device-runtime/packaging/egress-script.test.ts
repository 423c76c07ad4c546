// The script of the egress policy, with a stand-in for nft. The policy at work: hil-tests/scenarios/egress-policy.test.ts.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const test = suite('the script of the egress policy');

const script = join(import.meta.dirname, 'loadline-egress');
const launcher = join(import.meta.dirname, '../launcher/loadline-launch');
const trial = 'current=factory trial=a starts=0 seconds=600 id=0b6a3c1e-7d9f-4d0e-9c54-3f1f0b8f1a11\n';

let folder: string;

test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'loadline-egress-'));
  makeProgram('bin/nft', '[ "$2" != - ] || cat >>"$RULES"');
  makeRelease('opt/factory', 'echo 192.0.2.1 8883');
  mkdirSync(join(folder, 'state/boot'), { recursive: true });
  writeFileSync(join(folder, 'resolv.conf'), 'nameserver 192.0.2.53\n');
});
test.after.each(() => rmSync(folder, { recursive: true }));

function makeProgram(path: string, does: string): void {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), `#!/bin/sh\n${does}\n`);
  chmodSync(join(folder, path), 0o755);
}

/** A release whose Node does this, whatever it is asked. */
function makeRelease(slot: string, does: string): void {
  makeProgram(`${slot}/bin/node`, does);
  writeFileSync(join(folder, slot, 'gateway.mjs'), 'x');
}

/** Loads the policy, as the unit does before it starts the launcher; what nft was told besides the policy itself. */
function load(): string {
  const rules = join(folder, 'rules');
  const env = {
    PATH: `${join(folder, 'bin')}:${process.env.PATH}`,
    RULES: rules,
    LOADLINE_LAUNCHER: launcher,
    LOADLINE_PREFIX: join(folder, 'opt'),
    LOADLINE_STORE: join(folder, 'store'),
    LOADLINE_STATE: join(folder, 'state'),
    LOADLINE_CONFIG: join(folder, 'gateway.toml'),
    LOADLINE_RESOLV: join(folder, 'resolv.conf'),
    LOADLINE_ANSWER_SECONDS: '1',
  };
  execFileSync('sh', [script, 'load'], { env, stdio: 'pipe', timeout: 20_000, killSignal: 'SIGKILL' });
  return readFileSync(rules, 'utf8');
}

test('lets to where the release in force says', () => {
  const rules = load();
  assert.match(rules, 'add element inet loadline_gateway cloud4 { 192.0.2.1 . 8883 }');
  assert.match(rules, 'add element inet loadline_gateway dns4 { 192.0.2.53 }');
});

test('a release on trial that says nothing, and does not end, keeps the launcher from nothing', () => {
  // Only the launcher goes back from it, and the launcher is started after this.
  makeRelease('store/slots/a', 'trap "" TERM\nwhile :; do sleep 1; done');
  writeFileSync(join(folder, 'state/boot/state'), trial);
  const rules = load();
  assert.not.match(rules, 'cloud4');
  assert.match(rules, 'add element inet loadline_gateway dns4 { 192.0.2.53 }');
});

test.run();
