import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const test = suite('what root does with a site on a card');

const script = join(import.meta.dirname, 'loadline-card');
const placed = '{"version":1}\n';

let folder: string;
let state: string;
let boot: string;
let owned: string;

test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'loadline-card-script-'));
  state = join(folder, 'state');
  boot = join(folder, 'boot');
  owned = join(folder, 'owned-by-root');
  mkdirSync(state);
  mkdirSync(join(boot, 'loadline'), { recursive: true });
  writeFileSync(join(boot, 'loadline/site.json'), placed);
  mkdirSync(owned);
  writeFileSync(join(owned, 'shadow'), 'as it was\n');
});
test.after.each(() => rmSync(folder, { recursive: true }));

function run(): void {
  const env = { ...process.env, LOADLINE_BOOT_PARTITION: boot, LOADLINE_STATE: state };
  execFileSync('sh', [script], { env, stdio: 'pipe' });
}

function mustBeTaken(): void {
  const site = join(state, 'card/site.json');
  assert.ok(lstatSync(join(state, 'card')).isDirectory());
  assert.ok(lstatSync(site).isFile());
  assert.is(readFileSync(site, 'utf8'), placed);
  assert.is(existsSync(join(boot, 'loadline/site.json')), false);
  assert.is(readFileSync(join(owned, 'shadow'), 'utf8'), 'as it was\n');
  assert.is(existsSync(join(owned, 'site.json')), false);
}

test('moves it to the gateway, also over what a cut has left', () => {
  mkdirSync(join(state, 'card'));
  writeFileSync(join(state, 'card/site.json.new'), 'half of');
  run();
  mustBeTaken();
});

for (const [what, leave] of [
  ['file', () => symlinkSync(join(owned, 'shadow'), join(state, 'card/site.json.new'))],
  ['place', () => symlinkSync(owned, join(state, 'card/site.json'))],
  [
    'folder',
    () => {
      rmSync(join(state, 'card'), { recursive: true });
      symlinkSync(owned, join(state, 'card'));
    },
  ],
] as const) {
  test(`follows no link that a taken-over gateway has left in place of the ${what}`, () => {
    mkdirSync(join(state, 'card'));
    leave();
    run();
    mustBeTaken();
  });
}

test.run();
