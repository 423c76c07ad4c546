import type * as z from 'zod';
import type { InputOf, Operation, OperationId, Operations, ReplyOf } from '../api/index.ts';

/** What a call may be given besides its input. */
export interface CallOptions {
  /** Carry it out only where what stands there still has this tag (`tagOf` what was read); else `precondition-failed`. */
  readonly ifMatch?: string;
  readonly signal?: AbortSignal;
}

type EventOf<Schemas> = {
  [Name in keyof Schemas & string]: {
    readonly event: Name;
    readonly data: Schemas[Name] extends z.ZodType ? z.output<Schemas[Name]> : never;
  };
}[keyof Schemas & string];

/** What a call answers with: checked JSON, undefined where there is none, or a stream of events, lines or bytes. */
export type AnswerOf<O extends Operation> = O extends { stream: 'text/event-stream'; events: infer Schemas }
  ? AsyncIterable<EventOf<Schemas>>
  : O extends { stream: 'application/x-ndjson' | 'text/csv' }
    ? AsyncIterable<string>
    : O extends { stream: 'application/octet-stream' }
      ? AsyncIterable<Uint8Array>
      : ReplyOf<O>;

/** `query` and the like may be left out where nothing in the input must be there. */
type Arguments<Input> =
  Record<never, never> extends Input
    ? [input?: Input, options?: CallOptions]
    : [input: Input, options?: CallOptions];

/** A method for each operation of the table, by its id. */
export type Methods = {
  readonly [K in OperationId]: (
    ...args: Arguments<InputOf<Operations[K]>>
  ) => Promise<AnswerOf<Operations[K]>>;
};

/** Operations that answer with pages. */
export type ListId = {
  [K in OperationId]: ReplyOf<Operations[K]> extends { items: readonly unknown[]; next: string | null }
    ? K
    : never;
}[OperationId];
export type ItemOf<K extends ListId> =
  ReplyOf<Operations[K]> extends { items: readonly (infer Item)[] } ? Item : never;

/** Operations of one organisation. */
export type OrganisationOperationId = {
  [K in OperationId]: InputOf<Operations[K]> extends { readonly organisation: string } ? K : never;
}[OperationId];

type Within<K extends OperationId> = Omit<InputOf<Operations[K]>, 'organisation'>;

/** The operations of one organisation, which need not be named with each. */
export type OrganisationClient = {
  readonly [K in OrganisationOperationId]: (
    ...args: Arguments<Within<K>>
  ) => Promise<AnswerOf<Operations[K]>>;
} & {
  readonly id: string;
  /** Each item of a list, page after page. */
  each<K extends ListId & OrganisationOperationId>(
    id: K,
    ...args: Arguments<Within<K>>
  ): AsyncGenerator<ItemOf<K>, void>;
};
