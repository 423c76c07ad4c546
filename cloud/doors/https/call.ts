import type { ServerResponse } from 'node:http';
import type { CheckedInputOf, OperationId, Operations, ParameterNames, ReplyOf } from '@loadline/sdk/api';
import type { Standing, TokenPrincipal, UserPrincipal } from '../../access/index.ts';
import type { Member } from '../../people/index.ts';
import type { Device } from '../../router/index.ts';
import type { AuditDraft } from '../../store/index.ts';

/** Whoever may call an operation that something opens. */
export type Caller = UserPrincipal | TokenPrincipal;

type CallerOf<K extends OperationId> = Operations[K]['opens'] extends 'public'
  ? undefined
  : Operations[K]['opens'] extends 'self'
    ? UserPrincipal
    : Caller;

type Has<K extends OperationId, Name extends string> =
  Name extends ParameterNames<Operations[K]['path']> ? true : false;

/** What a request proved and asked, once it may: what a handler works on. */
export type Call<K extends OperationId> = {
  /** The path's parameters, `query` and `body`, checked. */
  readonly input: CheckedInputOf<Operations[K]>;
  readonly caller: CallerOf<K>;
  /** What the caller is in the organisation that the path names: lists are cut by its reach. */
  readonly standing: Has<K, 'organisation'> extends true ? Standing : undefined;
  /** The device that the path names. */
  readonly device: Has<K, 'device'> extends true ? Device : undefined;
  /** The person that the path names, in the organisation that it names. */
  readonly member: Has<K, 'user'> extends true
    ? Has<K, 'organisation'> extends true
      ? Member
      : undefined
    : undefined;
  readonly visit: Visit;
  /** What the caller is in the path's organisation by now; undefined where nothing any more: a stream must end then. */
  readonly again: () => Promise<Standing | undefined>;
  /** For streams above organisations: whether the caller may still have this one. */
  readonly ofFleet: () => Promise<boolean>;
  /** An entry of the audit log for this call, done by this caller, in the chain of the path's organisation. */
  readonly entry: (what?: EntryPart) => AuditDraft;
};

/** The request as it came, for the few handlers that must know. */
export interface Visit {
  /** The address it came from. */
  readonly source: string;
  /** The program it came from, as it says itself. */
  readonly agent: string;
  cookie(name: string): string | undefined;
  /** Sets a cookie of this host, TLS only and out of scripts' reach, for so many seconds; undefined: of the session. */
  setCookie(name: string, value: string, seconds?: number): void;
  clearCookie(name: string): void;
  /** The raw answer, for a stream: from now on the handler owns it. */
  stream(): ServerResponse;
  /** Logs why an answer could not be brought to its end after it had begun. */
  failed(reason: string): void;
}

/** What a handler adds to an entry. Everything else of it is the call's own. */
export type EntryPart = Partial<
  Pick<
    AuditDraft,
    'organisation' | 'actor' | 'action' | 'target' | 'outcome' | 'code' | 'before' | 'after' | 'personal'
  >
>;

/** Carries out one operation. A refusal is thrown as a `Problem`. */
export type Handler<K extends OperationId> = (
  call: Call<K>,
) => ReplyOf<Operations[K]> | Promise<ReplyOf<Operations[K]>>;

/** A handler for every operation of the table: the door does not compile where one is missing. */
export type Handlers = { readonly [K in OperationId]: Handler<K> };
