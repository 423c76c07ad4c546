import { z } from 'zod';
import { type AuditRecord, canonical, type Json } from './entry.ts';
import { ChainCheck, type ChainSpan, type Verdict } from './verify.ts';
import { type Witness, witnessesOf } from './witness.ts';

/** An exported chain: NDJSON, a header and then one line an entry, each in its canonical form (RFC 8785). */

const hex = z.string().regex(/^[0-9a-f]{64}$/);
const place = z.strictObject({ sequence: z.int().min(0), hash: hex });
const party = z.strictObject({ kind: z.string(), id: z.string() });
const json: z.ZodType<Json> = z.json();

const headerLine = z.strictObject({
  format: z.literal('loadline-audit'),
  version: z.literal(1),
  organisation: z.string().nullable(),
  base: place,
  head: place,
});

const recordLine = z.strictObject({
  entry: z.strictObject({
    version: z.literal(1),
    organisation: z.string().nullable(),
    sequence: z.int().min(1),
    previous: hex,
    at: z.int(),
    actor: party,
    channel: z.string(),
    action: z.string(),
    target: party.nullable(),
    outcome: z.enum(['done', 'refused']),
    code: z.string().nullable(),
    before: json,
    after: json,
    personal: hex.nullable(),
  }),
  hash: hex,
  personal: z
    .strictObject({ salt: z.string().regex(/^([0-9a-f]{2})+$/), of: z.array(z.string()), data: json })
    .nullable(),
});

/** The first line of an export, without its end of line. */
export function exportHeader({ organisation, base, head }: ChainSpan): string {
  return canonical({ format: 'loadline-audit', version: 1, organisation, base, head });
}

/** The line of an entry, without its end of line. */
export function exportLine(record: AuditRecord): string {
  return canonical(record);
}

/** What came of verifying an export. `header`: it does not begin as an export does. */
export type ExportVerdict =
  | { readonly kind: 'chain'; readonly span: ChainSpan; readonly verdict: Verdict }
  | { readonly kind: 'header' };

/**
 * Verifies an exported chain from its lines (each without its end of line). Nothing but the lines and the witnesses
 * is looked at: it needs no cloud.
 */
export async function verifyExport(
  lines: AsyncIterable<string> | Iterable<string>,
  witnesses: readonly Witness[] = [],
): Promise<ExportVerdict> {
  let span: ChainSpan | undefined;
  let check: ChainCheck | undefined;
  for await (const line of lines) {
    if (check === undefined) {
      const header = parseLine(line, headerLine);
      if (header === undefined) break;
      span = { organisation: header.organisation, base: header.base, head: header.head };
      check = new ChainCheck(span, witnessesOf(witnesses, span.organisation));
      continue;
    }
    const record = parseLine(line, recordLine);
    if (record === undefined) check.malformed();
    if (record === undefined || !check.add(record)) break;
  }
  if (span === undefined || check === undefined) return { kind: 'header' };
  return { kind: 'chain', span, verdict: check.end() };
}

/** What a line says; undefined where it is not what the schema asks for, or not the canonical form of it. */
function parseLine<T extends object>(line: string, schema: z.ZodType<T>): T | undefined {
  try {
    const value = JSON.parse(line);
    // Compared as text: of two members of one name, the parser shows the second only.
    if (canonical(value) !== line) return undefined;
    // What was read, and not the schema's copy of it: a copy may lack members of odd names, which are hashed too.
    return schema.safeParse(value).success ? value : undefined;
  } catch {
    return undefined;
  }
}
