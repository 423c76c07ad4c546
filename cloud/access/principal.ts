import type { FleetScope, OrganisationScope } from '@loadline/sdk/api';

/** Whose devices and people these are: a hard wall. */
export interface Organisation {
  readonly id: string;
}

/** How far somebody sees in an organisation. All of it must hold at once. */
export interface Reach {
  /** `all`, or those departments, and with `unassigned` the devices of none. */
  readonly departments: 'all' | { readonly ids: ReadonlySet<string>; readonly unassigned: boolean };
  /** Only what is this customer's; null for people of the organisation itself. */
  readonly customer: string | null;
  /** Only these devices; null for no such limit. Of tokens and application keys. */
  readonly devices: ReadonlySet<string> | null;
  /** Only the series of these tags; null for no such limit. Of tokens and application keys. */
  readonly tags: ReadonlySet<number> | null;
}

/** What somebody is in one organisation. */
export interface Standing {
  readonly organisation: Organisation;
  readonly scopes: ReadonlySet<OrganisationScope>;
  readonly reach: Reach;
  /** Why it opens nothing for now. */
  readonly withheld: 'second-factor-required' | null;
  /** Of a fleet operator: what grants it, and until when, ms since 1970. Members have none. */
  readonly grant?: { readonly id: string; readonly until: number };
}

/** A gateway, proven by its certificate. */
export interface GatewayPrincipal {
  readonly kind: 'gateway';
  readonly id: string;
  readonly organisation: Organisation;
}

/** A device, proven by what it was given: a token, a key, or what a socket takes. It delivers, and for itself only. */
export interface DevicePrincipal {
  readonly kind: 'device';
  readonly id: string;
  readonly organisation: Organisation;
  /** Id of what proved it. */
  readonly credential: string;
}

/** A person, proven by a session. */
export interface UserPrincipal {
  readonly kind: 'user';
  /** The person's opaque id. */
  readonly id: string;
  readonly email: string;
  readonly name: string;
  /** Id of the session. */
  readonly session: string;
  /** The session still lacks its second factor: it opens nothing but what gives it. */
  readonly pending: boolean;
  /** When the session ends by itself, ms since 1970. */
  readonly expires: number;
  /** Scopes above organisations: of a fleet operator. */
  readonly fleet: ReadonlySet<FleetScope>;
  /** By organisation. */
  readonly standings: ReadonlyMap<string, Standing>;
}

/** A program, proven by an API token: never more than its creator is now. */
export interface TokenPrincipal {
  readonly kind: 'token';
  readonly id: string;
  readonly name: string;
  /** The creator's opaque id. */
  readonly creator: string;
  /** When it ends by itself, ms since 1970. */
  readonly expires: number;
  readonly standing: Standing;
}

/** A program, proven by an application key and its secret. */
export interface ApplicationPrincipal {
  readonly kind: 'application-key';
  readonly id: string;
  readonly application: string;
  readonly standing: Standing;
  /** MQTT filters below `v1/org/<organisation>/` that it may subscribe to; null for all that its scopes open. */
  readonly topics: readonly string[] | null;
}

export type Principal =
  | GatewayPrincipal
  | DevicePrincipal
  | UserPrincipal
  | TokenPrincipal
  | ApplicationPrincipal;
