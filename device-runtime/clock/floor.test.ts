import { mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jsonLog } from '@loadline/sdk/platform';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readFloors, touchedAt, writeFloor } from './floor.ts';

const test = suite('floor');
const noon = Date.UTC(2026, 10, 22, 12);
const year = 366 * 86_400_000;

let state: string;
let logged: string[];
test.before.each(() => {
  state = mkdtempSync(join(tmpdir(), 'loadline-floor-'));
  logged = [];
});
test.after.each(() => rmSync(state, { recursive: true }));

const floors = (built?: number) =>
  readFloors({
    state,
    savedFile: join(state, 'saved'),
    built,
    log: jsonLog((line) => logged.push(line), Date.now),
  });

function save(wall: number): void {
  writeFileSync(join(state, 'saved'), '');
  utimesSync(join(state, 'saved'), wall / 1000, wall / 1000);
}

test('nothing is known where there are no files, and it is no fault', () => {
  assert.equal(floors(), { own: 0, saved: 0 });
  assert.equal(floors(noon), { own: noon, saved: 0 });
  assert.equal(logged, []);
});

test('what is kept comes back, for the owner alone, and the build counts where it is later', async () => {
  await writeFloor(state, noon + 0.5);
  assert.equal(floors(), { own: noon, saved: 0 });
  assert.is(floors(noon - 1).own, noon);
  assert.is(floors(noon + 1).own, noon + 1);
  assert.is(statSync(join(state, 'clock.json')).mode & 0o777, 0o600);
});

test("the time of timesyncd's saved clock counts, whatever is in it", () => {
  save(noon);
  assert.equal(floors(), { own: 0, saved: noon });
});

test('a time of another century is no floor', async () => {
  save(noon + 70 * year);
  await writeFloor(state, noon + 70 * year);
  assert.equal(floors(noon), { own: noon, saved: 0 });
});

test('whatever a power cut made of the file, there is an answer, and it is said', () => {
  for (const content of [
    '',
    '{',
    'null',
    '{"version":1,"wall":-5}',
    '{"version":1,"wall":"x"}',
    '\0'.repeat(64),
  ]) {
    logged = [];
    writeFileSync(join(state, 'clock.json'), content);
    assert.equal(floors(noon), { own: noon, saved: 0 });
    assert.match(logged.join(''), 'clock-floor-unreadable');
  }
});

test('a file that is not there was never touched', () => {
  assert.is(touchedAt(join(state, 'none')), undefined);
  save(noon);
  assert.is(touchedAt(join(state, 'saved')), noon);
});

test.run();
