import type { Anchor } from '@loadline/sdk/telemetry';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { noon, TestWorld } from './test-world.ts';
import { drift } from './word.ts';

const test = suite('timekeeper, whatever happens');
const hour = 3_600_000;
const day = 24 * hour;

/** Days, so that it is no matter of when the system was looked at last. */
const moves = fc.oneof(
  fc.integer({ min: day, max: 80 * 365 * day }),
  fc.integer({ min: -60 * 365 * day, max: -day }),
);

/** What can happen. The system synchronises to within what NTP can be off, and the cloud's clock is within its own. */
const happening = fc.oneof(
  fc.record({ kind: fc.constant('pass' as const), milliseconds: fc.integer({ min: 1, max: 5 * hour }) }),
  fc.record({ kind: fc.constant('pass' as const), milliseconds: fc.integer({ min: 1, max: 20_000 }) }),
  fc.record({ kind: fc.constant('set' as const), by: moves }),
  fc.record({ kind: fc.constant('synchronise' as const), error: fc.integer({ min: -900, max: 900 }) }),
  fc.record({
    kind: fc.constant('set-behind' as const),
    error: fc.integer({ min: -900, max: 900 }),
    by: moves,
  }),
  fc.record({ kind: fc.constant('lose' as const) }),
  fc.record({ kind: fc.constant('connect' as const) }),
  fc.record({ kind: fc.constant('disconnect' as const) }),
  fc.record({
    kind: fc.constant('answer' as const),
    there: fc.integer({ min: 0, max: 9000 }),
    back: fc.integer({ min: 0, max: 9000 }),
    error: fc.integer({ min: -499, max: 499 }),
  }),
);

/** The wall time of an instant as the cloud resolves it: by the last anchor at or before it, else by the first. */
function resolved(anchors: readonly Anchor[], up: number): { wall: number; anchor: Anchor } {
  const anchor = anchors.findLast(({ monotonic }) => monotonic <= up) ?? (anchors[0] as Anchor);
  return { wall: anchor.wall + (up - anchor.monotonic), anchor };
}

test('anchors resolve every instant to within what they state, and at-least is never later than the truth', () => {
  let anchored = 0;
  let unanchored = 0;
  fc.assert(
    fc.property(
      fc.array(happening, { minLength: 1, maxLength: 60, size: 'max' }),
      fc.integer({ min: -100, max: 100 }),
      fc.constantFrom(0, noon - 3 * day, Date.UTC(2099, 0, 1)),
      (happenings, ppm, wall) => {
        const world = new TestWorld({ own: noon - 2 * day, saved: noon - day }, wall);
        // A little less than what is allowed for: the bound itself is a matter of rounding.
        world.rate = ppm * 0.99e-6;
        const instants: { up: number; true: number }[] = [];
        const look = (): void => {
          world.keeper.tick();
          instants.push({ up: world.up, true: world.true });
          const time = world.keeper.time();
          if (time.kind === 'at-least')
            assert.ok(time.wall <= world.true, 'at-least is later than the truth');
          else assert.ok(Math.abs(time.wall - world.true) <= time.uncertainty + 1, 'known, and wrong');
        };
        look();
        let connected = false;
        for (const each of happenings) {
          switch (each.kind) {
            case 'pass':
              for (let left = each.milliseconds; left > 0; left -= hour / 2) {
                world.pass(Math.min(left, hour / 2));
                look();
              }
              break;
            case 'set':
              world.set(Math.max(0, world.wall + each.by));
              break;
            case 'synchronise':
              world.synchronise(each.error);
              break;
            case 'set-behind':
              // Somebody sets the clock right after it was synchronised, before anybody has looked.
              world.synchronise(each.error);
              world.pass(500);
              world.set(Math.max(0, world.wall + each.by));
              break;
            case 'lose':
              world.touched = undefined;
              break;
            case 'connect':
              if (!connected) world.keeper.connected();
              connected = true;
              break;
            case 'disconnect':
              if (connected) world.keeper.disconnected();
              connected = false;
              break;
            case 'answer':
              if (connected) world.answer(each.there, each.back, each.error);
              break;
          }
          look();
        }
        const { anchors } = world;
        for (let index = 1; index < anchors.length; index++) {
          const [before, after] = [anchors[index - 1] as Anchor, anchors[index] as Anchor];
          assert.ok(before.monotonic < after.monotonic, 'anchors go back in monotonic time');
        }
        for (const kept of world.floorsKept) assert.ok(kept <= world.true, 'a floor later than the truth');
        if (anchors.length === 0) unanchored++;
        else anchored++;
        if (anchors.length === 0) return;
        for (const instant of instants) {
          const { wall, anchor } = resolved(anchors, instant.up);
          const beyond = Math.max(0, Math.abs(instant.up - anchor.monotonic) - hour);
          const allowed = anchor.uncertainty + beyond * drift + 1;
          assert.ok(
            Math.abs(wall - instant.true) <= allowed,
            `off by ${wall - instant.true} ms, where ${allowed} was stated`,
          );
        }
      },
    ),
    { numRuns: 1500 },
  );
  assert.ok(anchored > 500 && unanchored > 0, `${anchored} with anchors, ${unanchored} without`);
});

test.run();
