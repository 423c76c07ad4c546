import { createHash } from 'node:crypto';
import type { AuditParty, Json } from '@loadline/sdk/audit';

/** Names that no detail may have; `checkedDraft` refuses more than a type can. */
type SecretName = 'password' | 'secret' | 'token' | 'code' | 'hash' | 'key';

/**
 * Details of an entry: an object of JSON, none of it secret. Its names are the program's own: what callers name
 * themselves goes in as a list of `{ name, value }`.
 */
export type AuditDetails = { readonly [name: string]: Json | undefined } & {
  readonly [K in SecretName]?: never;
};

/** An entry of the audit log as it is handed to the store: its place in the chain is given to it there. */
export interface AuditDraft {
  /**
   * In whose chain it stands: an organisation's id, or null for the fleet's. A list where several are concerned, as
   * with the sign-in of somebody who is a member of several: it stands in each.
   */
  readonly organisation: string | null | readonly (string | null)[];
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly actor: AuditParty;
  /** The way it came: `https`, `mqtt`, `command-line`, `cloud` itself. */
  readonly channel: string;
  /** `<resource>.<action>`, as in the table of scopes. */
  readonly action: string;
  readonly target: AuditParty | null;
  readonly outcome: 'done' | 'refused';
  /** Why it was refused. */
  readonly code: string | null;
  readonly before: AuditDetails | null;
  readonly after: AuditDetails | null;
  /**
   * What is personal in it (an address, an e-mail, a name), and the ids of the users whose it is. It is kept beside
   * the chain, which holds no more than a salted hash of it, so that it can be erased. Nothing personal goes elsewhere.
   */
  readonly personal: { readonly of: readonly string[]; readonly data: AuditDetails } | null;
}

/** Characters of one text at most: what is longer was made up by somebody, and is cut. */
const longestText = 1000;

/** Characters of before, after and personal at most, each as JSON: of what is longer its size and digest are kept. */
const longestDetails = 65_536;

/** Last words of a name whose value is a secret, or stands for one. */
const secretWords: ReadonlySet<string> = new Set([
  'code',
  'cookie',
  'credential',
  'hash',
  'key',
  'otp',
  'passphrase',
  'passwd',
  'password',
  'pin',
  'salt',
  'secret',
  'token',
]);
const secretEnding = /(password|passphrase|passwd|secret|token|hash|apikey)$/;

/** Values that are secrets whatever their name: argon2 and PEM, and the header of a JWT or JWE. */
const secretValue = /\$argon2|-----BEGIN |\beyJ[\w-]{8,}\./;

/** What stands in place of such a value. It may be what a caller made up, who must not keep an entry from the log. */
const withheld = '(withheld: it has the form of a secret)';

/**
 * An entry as it may go into the log: its texts well formed, none longer than it may be, and none that has the form
 * of a secret.
 *
 * @throws Error where it has a detail whose name is that of a secret, or that is not JSON: a mistake of the program
 */
export function checkedDraft(draft: AuditDraft): AuditDraft {
  const { personal } = draft;
  return {
    organisation: draft.organisation,
    at: draft.at,
    actor: party(draft.actor),
    channel: text(draft.channel),
    action: text(draft.action),
    target: draft.target && party(draft.target),
    outcome: draft.outcome,
    code: draft.code === null ? null : text(draft.code),
    before: details(draft.before, `${draft.action}: before`),
    after: details(draft.after, `${draft.action}: after`),
    personal: personal && {
      of: [...new Set(personal.of)].sort(),
      data: details(personal.data, `${draft.action}: personal`) as AuditDetails,
    },
  };
}

function party({ kind, id }: AuditParty): AuditParty {
  return { kind: text(kind), id: text(id) };
}

function text(value: string): string {
  if (secretValue.test(value)) return withheld;
  return (value.length > longestText ? `${value.slice(0, longestText)}…` : value).toWellFormed();
}

function details(value: AuditDetails | null, where: string): AuditDetails | null {
  if (value === null) return null;
  const checked = json(value as Json, where);
  const whole = JSON.stringify(checked);
  if (whole.length <= longestDetails) return checked as AuditDetails;
  return { characters: whole.length, sha256: createHash('sha256').update(whole).digest('hex') };
}

function json(value: Json | undefined, where: string): Json {
  switch (typeof value) {
    case 'string':
      return text(value);
    case 'number':
      if (!Number.isFinite(value)) throw new Error(`audit entry ${where}: ${value} is not a number of JSON`);
      return value;
    case 'boolean':
      return value;
    case 'object': {
      if (value === null) return null;
      if (Array.isArray(value)) return value.map((one, index) => json(one, `${where}[${index}]`));
      if (Object.getPrototypeOf(value) !== Object.prototype && Object.getPrototypeOf(value) !== null) break;
      const members = Object.entries(value).flatMap(([name, member]): [string, Json][] => {
        if (member === undefined) return [];
        if (isSecretName(name)) throw new Error(`audit entry ${where}.${name}: secrets stay out of the log`);
        return [[text(name), json(member, `${where}.${name}`)]];
      });
      return Object.fromEntries(members);
    }
  }
  throw new Error(`audit entry ${where}: a value that JSON does not have`);
}

/** Whether a name's last word is that of a secret: `passwordHash` and `api_key` are, `keyVersion` is not. */
function isSecretName(name: string): boolean {
  const last =
    name
      .split(/(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+/)
      .filter((word) => word !== '')
      .at(-1)
      ?.toLowerCase() ?? '';
  return [last, last.replace(/s$/, ''), last.replace(/es$/, '')].some(
    (word) => secretWords.has(word) || secretEnding.test(word),
  );
}
