import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SystemWord } from './system-word.ts';
import { wordAt } from './word.ts';

const test = suite("the system's word");
const noon = Date.UTC(2026, 10, 22, 12);

test('vouches for the clock as it stood when the file was touched, and less and less exactly', () => {
  const system = new SystemWord();
  system.look(noon - 60_000, { monotonic: 100_000, wall: noon });
  assert.equal(system.word, { monotonic: 40_000, wall: noon - 60_000, uncertainty: 1000 });
  const later = wordAt(system.word as NonNullable<typeof system.word>, 10_040_000);
  assert.is(later.wall, noon - 60_000 + 10_000_000);
  assert.is(Math.round(later.uncertainty), 2000);
});

test('vouches for nothing once the file is gone', () => {
  const system = new SystemWord();
  system.look(noon, { monotonic: 100_000, wall: noon });
  system.look(undefined, { monotonic: 102_000, wall: noon + 2000 });
  assert.is(system.word, undefined);
});

test('a touch from before this boot, or from the future, is of a clock that was moved since', () => {
  for (const touched of [noon - 100_000 - 1500, noon + 1500]) {
    const system = new SystemWord();
    system.look(touched, { monotonic: 100_000, wall: noon });
    assert.is(system.word, undefined, `${touched - noon}`);
    system.look(noon + 2000, { monotonic: 102_000, wall: noon + 2000 });
    assert.is(system.word?.wall, noon + 2000);
  }
});

test('a clock that was moved between a touch and the look leaves the word before it as it was', () => {
  const system = new SystemWord();
  system.look(noon, { monotonic: 100_000, wall: noon });
  const word = system.word;
  const moved = 3_600_000;
  system.look(noon + 1000, { monotonic: 102_000, wall: noon + 2000 + moved });
  assert.is(system.word, word);
  system.look(noon + 3000, { monotonic: 104_000, wall: noon + 4000 - moved });
  assert.is(system.word, word);
  system.look(noon + 6000, { monotonic: 106_000, wall: noon + 6000 });
  assert.is(system.word?.monotonic, 106_000);
});

test('a touch where there was no file is of the time since the look that saw none', () => {
  const dayAndMore = 90_000_000;
  const system = new SystemWord();
  system.look(undefined, { monotonic: dayAndMore, wall: noon });
  // Synchronised, and then set by hand a day forward: the file would be old enough to be of this boot.
  system.look(noon + 500, { monotonic: dayAndMore + 1000, wall: noon + 86_400_000 + 1000 });
  assert.is(system.word, undefined);
  system.look(noon + 2500, { monotonic: dayAndMore + 3000, wall: noon + 3000 });
  assert.is(system.word?.wall, noon + 2500);
});

test('a clock that is set with no touch after it changes nothing', () => {
  const system = new SystemWord();
  system.look(noon, { monotonic: 100_000, wall: noon });
  const word = system.word;
  system.look(noon, { monotonic: 200_000, wall: 0 });
  assert.is(system.word, word);
});

test.run();
