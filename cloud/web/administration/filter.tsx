import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { Option } from '../parts/fields.ts';

/** What a list may be narrowed by: a text, a choice, a day, or a time; `any` is what stands for no choice. */
export type Filter =
  | { readonly label: string; readonly kind: 'text' | 'date' | 'datetime-local' }
  | {
      readonly label: string;
      readonly kind: 'choice';
      readonly any?: string;
      readonly options: readonly Option[];
    };

export type Filters = Readonly<Record<string, Filter>>;
export type Chosen<F extends Filters> = { readonly [N in keyof F]: string };

/** Milliseconds without a key until what was typed is asked for. */
const PAUSE = 300;

interface Props<F extends Filters> {
  readonly filters: F;
  readonly onChange: (chosen: Chosen<F>) => void;
}

/** Fields above a list: it follows them as they change. Empty ones do not count. */
export function FilterBar<const F extends Filters>({ filters, onChange }: Props<F>) {
  const [chosen, setChosen] = useState<Readonly<Record<string, string>>>({});
  const id = useId();
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const change = (name: string, value: string): void => {
    const now = { ...chosen, [name]: value };
    setChosen(now);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => onChange(withAll(filters, now)), PAUSE);
  };
  return (
    <search class="filters">
      {Object.entries<Filter>(filters).map(([name, filter]) => {
        const common = {
          id: `${id}-${name}`,
          value: chosen[name] ?? '',
          onInput: ({ currentTarget }: { currentTarget: { value: string } }) =>
            change(name, currentTarget.value),
        };
        return (
          <div key={name}>
            <label for={common.id}>{filter.label}</label>
            <FilterInput filter={filter} common={common} />
          </div>
        );
      })}
    </search>
  );
}

interface InputProps {
  readonly filter: Filter;
  readonly common: {
    readonly id: string;
    readonly value: string;
    readonly onInput: (event: { currentTarget: { value: string } }) => void;
  };
}

function FilterInput({ filter, common }: InputProps) {
  switch (filter.kind) {
    case 'choice':
      return (
        <select {...common}>
          <option value="">{filter.any ?? 'any'}</option>
          {filter.options.map(({ value, label }) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
      );
    case 'date':
    case 'datetime-local':
      return <input {...common} type={filter.kind} />;
    case 'text':
      return <input {...common} type="text" autocapitalize="none" spellcheck={false} />;
  }
}

function withAll<F extends Filters>(filters: F, chosen: Readonly<Record<string, string>>): Chosen<F> {
  return Object.fromEntries(
    Object.keys(filters).map((name) => [name, chosen[name]?.trim() ?? '']),
  ) as Chosen<F>;
}
