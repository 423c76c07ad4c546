import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type AuditRecord, canonical, entryHash } from './entry.ts';
import { chainOf, contents } from './test-chain.ts';
import { type ChainFault, type Verdict, verifyChain } from './verify.ts';

const other = '5a'.repeat(32);
const chain = contents.map((parts) => chainOf('first', parts));

/** A chain and one of its places, as an index. */
const place = chain.chain((one) => fc.tuple(fc.constant(one), fc.nat(one.records.length - 1)));

function fault(verdict: Verdict): [number, ChainFault] | undefined {
  return verdict.whole ? undefined : [verdict.sequence, verdict.why];
}

/** Every value that differs from `value` in one member, however deep. */
function* variants(value: unknown): Generator<unknown> {
  if (typeof value === 'string') yield `${value}x`;
  else if (typeof value === 'number') yield value + 1;
  else if (typeof value === 'boolean') yield !value;
  else if (value === null) yield 'x';
  else if (Array.isArray(value)) {
    yield [...value, null];
    for (const [index, one] of value.entries()) for (const v of variants(one)) yield value.with(index, v);
  } else {
    yield { ...(value as object), added: 1 };
    for (const [name, member] of Object.entries(value as object)) {
      for (const v of variants(member)) yield { ...(value as object), [name]: v };
      const { [name]: _, ...without } = value as Record<string, unknown>;
      yield without;
    }
  }
}

test('a chain as it was written is whole', () => {
  fc.assert(
    fc.property(chain, ({ span, records }) => {
      assert.equal(verifyChain(span, records), { whole: true, entries: records.length, erased: 0 });
    }),
  );
});

test('an entry that is altered anywhere is found, at its own number', () => {
  fc.assert(
    fc.property(place, ([{ span, records }, index]) => {
      const record = records[index] as AuditRecord;
      for (const entry of variants(record.entry)) {
        if (canonical(entry as object) === canonical(record.entry)) continue;
        const altered = records.with(index, { ...record, entry: entry as AuditRecord['entry'] });
        assert.is(fault(verifyChain(span, altered))?.[0], index + 1);
      }
    }),
    { numRuns: 50 },
  );
});

test('an entry that is altered and given its new hash is found at the one after it, or at the head', () => {
  fc.assert(
    fc.property(place, ([{ span, records }, index]) => {
      const record = records[index] as AuditRecord;
      const entry = { ...record.entry, at: record.entry.at + 1 };
      const verdict = verifyChain(span, records.with(index, { ...record, entry, hash: entryHash(entry) }));
      const isLast = index === records.length - 1;
      assert.equal(fault(verdict), isLast ? [index + 1, 'bounds'] : [index + 2, 'unlinked']);
    }),
  );
});

test('an entry that is removed is missed, wherever it stood', () => {
  fc.assert(
    fc.property(place, ([{ span, records }, index]) => {
      assert.equal(fault(verifyChain(span, records.toSpliced(index, 1))), [index + 1, 'missing']);
    }),
  );
});

test('entries that change places are found', () => {
  fc.assert(
    fc.property(place, fc.nat(7), ([{ span, records }, index], step) => {
      const to = (index + step) % records.length;
      fc.pre(to !== index);
      const swapped = records.with(index, records[to] as AuditRecord).with(to, records[index] as AuditRecord);
      assert.equal(fault(verifyChain(span, swapped)), [Math.min(index, to) + 1, 'missing']);
    }),
  );
});

test('an entry that is put in between is found, a copy and one of another chain as well', () => {
  fc.assert(
    fc.property(place, ([{ span, records }, index]) => {
      const copy = records[index] as AuditRecord;
      const again = verifyChain(span, records.toSpliced(index + 1, 0, copy));
      assert.equal(fault(again), [index + 2, 'misplaced']);
      const foreign = { ...copy, entry: { ...copy.entry, organisation: 'second' } };
      assert.equal(fault(verifyChain(span, records.toSpliced(index, 0, foreign))), [index + 1, 'foreign']);
    }),
  );
});

test('a base or a head that is not that of the entries is found', () => {
  fc.assert(
    fc.property(chain, ({ span, records }) => {
      const { base, head } = span;
      assert.equal(fault(verifyChain({ ...span, base: { ...base, hash: other } }, records)), [0, 'bounds']);
      assert.equal(fault(verifyChain({ ...span, head: { ...head, hash: other } }, records)), [
        head.sequence,
        'bounds',
      ]);
      const longer = { ...span, head: { ...head, sequence: head.sequence + 1 } };
      assert.equal(fault(verifyChain(longer, records)), [head.sequence + 1, 'missing']);
      const shorter = { ...span, head: { ...head, sequence: head.sequence - 1 } };
      assert.equal(fault(verifyChain(shorter, records)), [head.sequence, 'misplaced']);
    }),
  );
});

test('what is personal is found where it is altered, and may be gone', () => {
  fc.assert(
    fc.property(place, ([{ span, records }, index]) => {
      const record = records[index] as AuditRecord;
      const { personal } = record;
      fc.pre(personal !== null);
      for (const variant of variants(personal)) {
        if (canonical(variant as object) === canonical(personal as object)) continue;
        const { salt, of, data } = variant as NonNullable<AuditRecord['personal']>;
        // A salt, a list and data are what the log and the export hold of it: nothing less and nothing more.
        if (salt === undefined || of === undefined || data === undefined || 'added' in (variant as object))
          continue;
        if (!/^([0-9a-f]{2})+$/.test(salt)) continue;
        const altered = { ...record, personal: { salt, of, data } };
        assert.equal(fault(verifyChain(span, records.with(index, altered))), [index + 1, 'personal-altered']);
      }
      const erased = verifyChain(span, records.with(index, { ...record, personal: null }));
      assert.equal(erased, { whole: true, entries: records.length, erased: 1 });
    }),
  );
});

test('a chain whose oldest entries were removed for their age is whole from its base on', () => {
  fc.assert(
    fc.property(place, ([{ span, records }, index]) => {
      const { entry, hash } = records[index] as AuditRecord;
      const base = { sequence: entry.sequence, hash };
      const rest = records.slice(index + 1);
      assert.is(verifyChain({ ...span, base }, rest).whole, true);
      assert.equal(fault(verifyChain({ ...span, base: { ...base, hash: other } }, rest)), [
        index + (rest.length === 0 ? 1 : 2),
        rest.length === 0 ? 'bounds' : 'unlinked',
      ]);
    }),
  );
});

test('a chain that was cut off, or written anew from somewhere on, contradicts those who saw its head', () => {
  fc.assert(
    fc.property(place, ([{ span, records }, index]) => {
      const seen = [span.head];
      assert.is(verifyChain(span, records, seen).whole, true);
      const left = records.slice(0, index);
      const cut = { sequence: index, hash: left.at(-1)?.hash ?? span.base.hash };
      assert.equal(fault(verifyChain({ ...span, head: cut }, left, seen)), [index + 1, 'cut-off']);
      const anew = chainOf(
        'first',
        records.map(
          (
            {
              entry: {
                version: _,
                organisation: __,
                sequence: ___,
                previous: ____,
                personal: _____,
                ...content
              },
            },
            at,
          ) => ({
            content: at === index ? { ...content, channel: `${content.channel}x` } : content,
            personal: null,
          }),
        ),
      );
      assert.is(verifyChain(anew.span, anew.records).whole, true);
      assert.equal(fault(verifyChain(anew.span, anew.records, seen)), [records.length, 'rewritten']);
    }),
  );
});

test.run();
