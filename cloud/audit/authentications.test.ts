import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AuditDraft } from '../store/index.ts';
import { type Authentication, Authentications } from './index.ts';

/** A log whose store remembers, and whose clock is set by hand. */
function open(change: (audit: readonly AuditDraft[]) => Promise<void> = async () => {}) {
  const clock = { now: 1_000_000 };
  const entries: AuditDraft[] = [];
  const store = {
    async change({ audit }: { readonly audit: readonly AuditDraft[] }) {
      await change(audit);
      entries.push(...audit);
      return { done: true, rows: [] } as const;
    },
  };
  return { clock, entries, log: new Authentications({ store, now: () => clock.now }) };
}

const mast = { kind: 'gateway', id: 'mast' };
const good = (source: string, over: Partial<Authentication> = {}): Authentication => ({
  organisation: 'first',
  channel: 'mqtt',
  action: 'session.create',
  actor: mast,
  target: { kind: 'device', id: 'mast' },
  code: null,
  source,
  persons: [],
  ...over,
});
const bad = (source: string, over: Partial<Authentication> = {}): Authentication => {
  const { actor: _nobody, ...rest } = good(source, over);
  return { ...rest, code: over.code ?? 'certificate-revoked' };
};

const attempts = (entries: readonly AuditDraft[]) =>
  entries.map(({ after }) => (after as unknown as { attempts: number }).attempts);
const address = (n: number) => `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`;

test('who was let in is the actor, and of who was refused nobody is', async () => {
  const { entries, log } = open();
  log.add(good('192.0.2.1'));
  log.add(bad('192.0.2.1'));
  await log.close();
  const [done, refused] = entries;
  assert.equal([done?.actor, done?.outcome, done?.code], [mast, 'done', null]);
  assert.equal(refused?.actor, { kind: 'nobody', id: '' });
  assert.equal([refused?.outcome, refused?.code], ['refused', 'certificate-revoked']);
  assert.equal(refused?.personal, { of: [], data: { source: '192.0.2.1' } });
});

test('a link that flaps all day is a few entries a minute, and each of its sessions is counted', async () => {
  const { clock, entries, log } = open();
  for (let second = 0; second < 600; second++) {
    log.add(good(address(second % 3)));
    clock.now += 1000;
    log.tick();
  }
  await log.close();
  assert.ok(entries.length <= 11 * 4, `${entries.length}`);
  assert.is(
    attempts(entries).reduce((sum, one) => sum + one),
    600,
  );
  const counted = entries.find(({ after }) => (after as unknown as { attempts: number }).attempts > 1);
  const data = counted?.personal?.data as { sources?: string[] } | undefined;
  assert.equal([...(data?.sources ?? [])].sort(), [0, 1, 2].map(address));
});

test('however many refused ones come, from wherever, a chain grows by a bounded number, and none is left out', async () => {
  const one = fc.record({
    organisation: fc.constantFrom('first', 'second', null),
    code: fc.constantFrom('a', 'b', 'c'),
    target: fc.option(
      fc.nat(500).map((id) => ({ kind: 'device', id: `d${id}` })),
      { nil: null },
    ),
    from: fc.nat(100_000),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(one, { maxLength: 900, size: 'max' }), async (many) => {
      const { entries, log } = open();
      for (const { from, ...over } of many) log.add(bad(address(from), over));
      await log.close();
      for (const organisation of ['first', 'second', null]) {
        const told = entries.filter((entry) => entry.organisation === organisation);
        assert.ok(told.length <= 2 * 65, `${told.length}`);
        const came = many.filter((entry) => entry.organisation === organisation).length;
        assert.is(
          attempts(told).reduce((sum, one) => sum + one, 0),
          came,
        );
      }
    }),
    { numRuns: 30 },
  );
});

test('a flood in one chain hides neither what is refused in another, nor who is let in', async () => {
  const { entries, log } = open();
  for (let n = 0; n < 5000; n++) log.add(bad(address(n), { organisation: null, target: null }));
  log.add(bad('192.0.2.1'));
  log.add(good('192.0.2.1', { organisation: null }));
  await log.flush();
  const first = entries.filter(({ organisation }) => organisation === 'first');
  assert.equal(
    first.map(({ code }) => code),
    ['certificate-revoked'],
  );
  assert.is(entries.filter(({ outcome }) => outcome === 'done').length, 1);
  // When the flood is over things are told apart again.
  log.add(bad('192.0.2.77', { organisation: null }));
  await log.close();
  assert.equal(entries.at(-1)?.personal?.data, { source: '192.0.2.77' });
});

test('a minute later it is told anew, also where the clock was set back', async () => {
  for (const step of [60_000, -1]) {
    const { clock, entries, log } = open();
    log.add(bad('192.0.2.1'));
    log.add(bad('192.0.2.1'));
    clock.now += step;
    log.tick();
    log.add(bad('192.0.2.1'));
    await log.close();
    assert.equal(attempts(entries), [1, 1, 1]);
  }
});

test('one change is under way at a time, and closing waits for the last', async () => {
  let [underWay, most] = [0, 0];
  const { entries, log } = open(async () => {
    underWay += 1;
    most = Math.max(most, underWay);
    await new Promise((resolve) => setTimeout(resolve, 2));
    underWay -= 1;
  });
  for (let n = 0; n < 20; n++) {
    log.add(good(address(n), { target: { kind: 'device', id: `d${n}` } }));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await log.close();
  assert.is(entries.length, 20);
  assert.is(most, 1);
});

test.run();
