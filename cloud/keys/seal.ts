import {
  claimedVersion,
  closeEnvelope,
  type EnvelopeFault,
  type EnvelopeKind,
  openEnvelope,
} from './envelope.ts';
import type { Keyring } from './version.ts';

/** What a sealed value is, and whose: it opens as that and nothing else. */
export interface SealContext {
  /** What is sealed, such as `second-factor`: a constant of the program. */
  readonly what: string;
  /** Id of the row it belongs to, such as a user's. */
  readonly owner: string;
}

/** The error of a sealed value that does not open: the row or the keys are not what they were. */
export class SealError extends Error {
  override readonly name = 'SealError';
  readonly fault: EnvelopeFault;

  constructor(fault: EnvelopeFault, context: SealContext) {
    super(`the sealed ${context.what} of ${context.owner} does not open: ${words[fault]}`);
    this.fault = fault;
  }
}

const words: Record<EnvelopeFault, string> = {
  malformed: 'it is no sealed value',
  algorithm: 'it was sealed as something else, or for somebody else',
  key: 'the key it was sealed with is not among the keys: were they restored from an older backup?',
  broken: 'it was changed since',
};

/** Values at rest are small: secrets and addresses, no documents. */
const longestSealed = 8_192;

function kindOf({ what, owner }: SealContext): EnvelopeKind {
  // A list in JSON: no owner can be chosen so that two contexts are one text.
  const context = JSON.stringify([what, owner]);
  return { purpose: 'sealed-value', typ: 'loadline-sealed', context, longest: longestSealed };
}

/**
 * Seals a small value for the database: a JWE bound to its context, so that who can write the database cannot move it
 * to another row and have it open there.
 * @throws RangeError where it is longer than some 6,000 bytes
 */
export function sealValue(keys: Keyring, context: SealContext, value: string): Promise<string> {
  return closeEnvelope(keys, kindOf(context), Buffer.from(value));
}

/**
 * Opens what `sealValue` sealed for the same context.
 * @throws SealError where it does not open
 */
export async function openSealed(keys: Keyring, context: SealContext, sealed: string): Promise<string> {
  const opened = await openEnvelope(keys, kindOf(context), sealed);
  if (opened.kind === 'refused') throw new SealError(opened.fault, context);
  return Buffer.from(opened.content).toString();
}

/** Whether a value is sealed with another version than the newest: open it, seal it anew, and forget the old one. */
export function needsResealing(keys: Keyring, sealed: string): boolean {
  return claimedVersion(sealed) !== keys.newest('sealed-value').id;
}
