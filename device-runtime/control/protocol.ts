import type { EventSeverity, HealthMessage, UpdatingMessage } from '@loadline/sdk/contract';

/**
 * What is spoken on the local socket: one line of JSON asks, lines of JSON answer, and the gateway closes.
 *
 *     {"ask":"status"}   {"answer":"status","status":{…}}
 *     {"ask":"follow"}   {"answer":"following"}, then {"reading":{…}} for each reading, until the client goes
 *     anything else      {"error":"…"}
 */
export type Ask = 'status' | 'follow';

export type Answer =
  | { readonly answer: 'status'; readonly status: GatewayStatus }
  | { readonly answer: 'following' }
  | { readonly reading: ShownReading }
  | { readonly error: string };

/** What a running gateway says of itself. */
export interface GatewayStatus extends GatewayFacts {
  /** The last reading of each series. */
  readonly series: readonly ShownReading[];
  /** Warnings and errors that stand: no event has taken them back yet. */
  readonly standing: readonly StandingEvent[];
}

export interface GatewayFacts {
  readonly gateway: {
    readonly id: string;
    readonly version: string;
    readonly pid: number;
    /** Revision of the configuration in force; null for the file's own. */
    readonly revision: string | null;
  };
  readonly cloud: {
    readonly host: string;
    readonly port: number;
    /** `unborn`: there is no certificate to connect with yet. */
    readonly link: 'up' | 'down' | 'unborn';
  };
  readonly verdict:
    | { readonly kind: 'progressing' }
    | { readonly kind: 'idle'; readonly why: string }
    | { readonly kind: 'wedged'; readonly what: string };
  /** What runs, and how far it is with what was offered. */
  readonly release: Omit<UpdatingMessage, 'version'>;
  readonly health: HealthMessage;
}

/** A reading for people, as it was heard just now. */
export interface ShownReading {
  /** Four hex digits. */
  readonly tag: string;
  readonly aspect: string;
  /** Undefined for a tag that nobody configured. */
  readonly name?: string;
  readonly unit?: string;
  readonly simulated?: true;
  /** The physical value; null where there is no number or text to show. Binary values are hex digits. */
  readonly value: number | string | null;
  readonly port: string;
  /** 0 where the source has none. */
  readonly base: number;
  /** What is wrong with it, in words; empty where nothing is. */
  readonly flaws: readonly string[];
  /** 0..100; undefined where the source tells none. */
  readonly linkPercent?: number;
  readonly secondsAgo: number;
}

export interface StandingEvent {
  readonly code: string;
  readonly severity: Exclude<EventSeverity, 'info'>;
  readonly subject: string;
  readonly detail: string;
  readonly secondsAgo: number;
  /** How often it came since the runtime started, or since it was last taken back. */
  readonly times: number;
}

/** Bytes of one request. */
export const maxRequestBytes = 1024;
/** Bytes of one answer: 4096 series of some 300 bytes each, and room. */
export const maxAnswerBytes = 4 * 1024 * 1024;
