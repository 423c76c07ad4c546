import fc from 'fast-check';
import {
  type AuditEntry,
  type AuditPersonal,
  type AuditRecord,
  entryHash,
  type Json,
  origin,
  personalHash,
} from './entry.ts';
import type { ChainSpan } from './verify.ts';

/** Chains to verify, for tests. */

type Content = Omit<AuditEntry, 'version' | 'organisation' | 'sequence' | 'previous' | 'personal'>;

const text = fc.string({ unit: 'binary' }).map((value) => value.toWellFormed());
const party = fc.record({ kind: text, id: text });
const json = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value).toWellFormed()) as Json);
const details = fc.oneof(fc.constant(null), fc.record({ name: text, more: json }));

const content: fc.Arbitrary<Content> = fc.record({
  at: fc.nat(2 ** 45),
  actor: party,
  channel: text,
  action: text,
  target: fc.option(party),
  outcome: fc.constantFrom('done' as const, 'refused' as const),
  code: fc.option(text),
  before: details,
  after: details,
});

const personal: fc.Arbitrary<AuditPersonal | null> = fc.option(
  fc.record({
    salt: fc.uint8Array({ minLength: 1, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex')),
    of: fc.array(text, { maxLength: 3 }),
    data: fc.record({ address: text }),
  }),
);

/** What a chain of one organisation is made of. */
export const contents = fc.array(fc.record({ content, personal }), { minLength: 1, maxLength: 8 });

/** The chain that these make, from its first entry on. */
export function chainOf(
  organisation: string | null,
  parts: readonly { readonly content: Content; readonly personal: AuditPersonal | null }[],
): { span: ChainSpan; records: AuditRecord[] } {
  let last = origin;
  const records = parts.map((part) => {
    const entry: AuditEntry = {
      version: 1,
      organisation,
      sequence: last.sequence + 1,
      previous: last.hash,
      ...part.content,
      personal: part.personal && personalHash(part.personal),
    };
    const hash = entryHash(entry);
    last = { sequence: entry.sequence, hash };
    return { entry, hash, personal: part.personal };
  });
  return { span: { organisation, base: origin, head: last }, records };
}
