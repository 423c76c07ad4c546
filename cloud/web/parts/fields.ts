import { wordsOf } from '../words.ts';

/** Something to choose from. */
export interface Option {
  readonly value: string;
  readonly label: string;
  readonly hint?: string;
  /** Options of one group stand together under it. */
  readonly group?: string;
}

/** What a field holds while it is being filled in. */
type Draft = string | readonly string[];
export type Drafts = Readonly<Record<string, Draft>>;

interface Common {
  readonly label: string;
  readonly hint?: string;
  /** Whether it is to be filled in, by what the others hold. Default: always. */
  readonly shown?: (drafts: Drafts) => boolean;
}

/** A field of a form, described. */
export type Field =
  | (Common & {
      readonly kind: 'text';
      readonly type?: 'email';
      readonly value?: string;
      readonly optional?: true;
      readonly autocomplete?: 'username' | 'name' | 'one-time-code' | 'organization';
      /** What the whole of it must match; the hint says it in words. */
      readonly pattern?: string;
    })
  | (Common & { readonly kind: 'password' })
  | (Common & { readonly kind: 'new-password' })
  | (Common & {
      readonly kind: 'number';
      readonly value?: number;
      readonly least: number;
      readonly most: number;
    })
  | (Common & { readonly kind: 'choice'; readonly value?: string; readonly options: readonly Option[] })
  | (Common & {
      readonly kind: 'choices';
      readonly value?: readonly string[];
      readonly options: readonly Option[];
    })
  /** Words apart by spaces, commas or lines. */
  | (Common & { readonly kind: 'words'; readonly value?: readonly string[]; readonly pattern?: string });

export type Fields = Readonly<Record<string, Field>>;

/** What a form hands over: texts trimmed, but passwords as they were typed. */
export type ValuesOf<F extends Fields> = {
  readonly [N in keyof F]: F[N] extends { kind: 'number' }
    ? number
    : F[N] extends { kind: 'choices' | 'words' }
      ? readonly string[]
      : string;
};

/** What fields hold at first. */
export function draftsOf(fields: Fields): Drafts {
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, draftOf(field)]));
}

function draftOf(field: Field): Draft {
  switch (field.kind) {
    case 'password':
    case 'new-password':
      return '';
    case 'text':
      return field.value ?? '';
    case 'choice':
      return field.value ?? field.options[0]?.value ?? '';
    case 'number':
      return String(field.value ?? field.least);
    case 'choices':
      return field.value ?? [];
    case 'words':
      return (field.value ?? []).join(' ');
  }
}

/** What was filled in. */
export function valuesOf<F extends Fields>(fields: F, drafts: Drafts): ValuesOf<F> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [name, valueIn(field, drafts[name] ?? '')]),
  ) as ValuesOf<F>;
}

function valueIn(field: Field, draft: Draft): string | number | readonly string[] {
  if (typeof draft !== 'string') return draft;
  switch (field.kind) {
    case 'password':
    case 'new-password':
      return draft;
    case 'text':
    case 'choice':
      return draft.trim();
    case 'number':
      return Number(draft);
    case 'choices':
    case 'words':
      return wordsOf(draft);
  }
}

/** Options by their groups, both in their order; those without a group first. */
export function grouped(
  options: readonly Option[],
): readonly (readonly [group: string, options: Option[]])[] {
  const groups = new Map<string, Option[]>();
  for (const option of options) {
    const group = option.group ?? '';
    const before = groups.get(group);
    if (before === undefined) groups.set(group, [option]);
    else before.push(option);
  }
  return [...groups];
}
