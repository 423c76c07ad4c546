/** A value of JSON. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** Names that no detail may have: `checkDetails` (see `audit-secrets.ts`) refuses more than a type can. */
type SecretName = 'password' | 'secret' | 'token' | 'code' | 'hash' | 'key';

/** Details of an entry: an object of JSON, none of it secret. */
export type AuditDetails = { readonly [name: string]: Json } & { readonly [K in SecretName]?: never };

/** Who did something, or what it was done to: a kind (`user`, `token`, `device`, …) and an opaque id. */
export interface AuditParty {
  readonly kind: string;
  readonly id: string;
}

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
