import type * as z from 'zod';
import type { pathParameters } from './parameters.ts';
import type { RefusalCode } from './problem.ts';
import type { FleetScope, OrganisationScope } from './scopes.ts';

/**
 * One operation of the REST API, as both ends and the documents know it. The cloud binds a handler to each, the client
 * has a method for each, OpenAPI describes each, and the isolation tests try each.
 */
export interface Operation {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With its parameters as `:name`, each one of `pathParameters`. */
  readonly path: `/${string}`;
  readonly opens: Opens;
  /** One line, as a command. */
  readonly summary: string;
  readonly description?: string;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** Status of success. */
  readonly status: 200 | 201 | 202 | 204;
  /** JSON of success; nothing with 204. */
  readonly reply?: z.ZodType;
  /** Success is a stream of this type instead of JSON. */
  readonly stream?: 'text/event-stream' | 'application/x-ndjson' | 'text/csv' | 'application/octet-stream';
  /** Of server-sent events: what each carries, by its name. One that a client does not know it passes over. */
  readonly events?: Readonly<Record<string, z.ZodType>>;
  /** Codes it may refuse with, beyond those that every operation may. */
  readonly refuses?: readonly RefusalCode[];
  /** Requests a minute that one source may send of it, where it is not the usual. */
  readonly perMinute?: number;
  /** Bytes a body may have, where it is not the usual. */
  readonly bodyBytes?: number;
}

/**
 * What opens an operation. `public`: nothing; `caller`: any session, also one that still lacks its second factor, or a
 * token; `self`: a person's whole session, for what is the person's own; otherwise a scope, in the organisation that the
 * path names or in the fleet.
 */
export type Opens = 'public' | 'caller' | 'self' | OrganisationScope | FleetScope;

/** Names of the parameters in a path. */
export type ParameterNames<Path extends string> = Path extends `${infer Head}/${infer Tail}`
  ? ParameterNames<Head> | ParameterNames<Tail>
  : Path extends `:${infer Name}`
    ? Name & keyof typeof pathParameters
    : never;

type Parameters<O extends Operation> = { readonly [N in ParameterNames<O['path']>]: string };
type QueryIn<O> = O extends { query: infer Q extends z.ZodType } ? { readonly query?: z.input<Q> } : unknown;
type QueryOut<O> = O extends { query: infer Q extends z.ZodType } ? { readonly query: z.output<Q> } : unknown;
type BodyIn<O> = O extends { body: infer B extends z.ZodType } ? { readonly body: z.input<B> } : unknown;
type BodyOut<O> = O extends { body: infer B extends z.ZodType } ? { readonly body: z.output<B> } : unknown;

/** What a client says to call it: the path's parameters, `query` and `body`. */
export type InputOf<O extends Operation> = Parameters<O> & QueryIn<O> & BodyIn<O>;
/** The same as its handler gets it, checked and with defaults. */
export type CheckedInputOf<O extends Operation> = Parameters<O> & QueryOut<O> & BodyOut<O>;
/** What it answers; undefined where there is no JSON. */
export type ReplyOf<O extends Operation> = O extends { reply: infer R extends z.ZodType }
  ? z.output<R>
  : undefined;
