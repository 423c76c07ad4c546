// biome-ignore-all lint/a11y/noRedundantRoles: CSS `display`, which makes cards of rows, takes the native roles away.
import type { ComponentChildren } from 'preact';
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { Page } from '../api.ts';
import { inWords } from '../words.ts';

/** A list that is loaded page by page. */
export interface List<Item> {
  /** Undefined before the first page has come. */
  readonly items: readonly Item[] | undefined;
  /** What went wrong, in words; empty where nothing did. */
  readonly failure: string;
  readonly hasMore: boolean;
  readonly more: () => void;
  /** Loads it anew from its beginning. */
  readonly reload: () => void;
}

/** Loads a list: anew whenever `what` changes, which says what is listed. */
export function useList<Item>(
  what: string,
  load: (after: string | undefined) => Promise<Page<Item>>,
): List<Item> {
  const [state, setState] = useState<{ items?: readonly Item[]; next: string | null; failure: string }>({
    next: null,
    failure: '',
  });
  const latestLoad = useRef(load);
  latestLoad.current = load;
  const run = useRef(0);
  const fetchPage = useCallback(async (held: readonly Item[], after: string | undefined) => {
    run.current += 1;
    const mine = run.current;
    try {
      const page = await latestLoad.current(after);
      if (mine === run.current) setState({ items: [...held, ...page.items], next: page.next, failure: '' });
    } catch (error) {
      if (mine === run.current) setState((before) => ({ ...before, failure: inWords(error) }));
    }
  }, []);
  const reload = useCallback(() => void fetchPage([], undefined), [fetchPage]);
  useEffect(() => {
    reload();
    return () => {
      run.current += 1;
    };
  }, [what, reload]);
  const { items, next, failure } = state;
  return {
    items,
    failure,
    hasMore: next !== null,
    more: () => void fetchPage(items ?? [], next ?? undefined),
    reload,
  };
}

export interface Column<Item> {
  readonly title: string;
  readonly cell: (item: Item) => ComponentChildren;
}

/** Something that can be done with an item. */
export interface ItemAct {
  readonly label: string;
  readonly isDangerous?: boolean;
  readonly run: () => void;
}

interface Props<Item> {
  readonly title: string;
  readonly list: List<Item>;
  readonly idOf: (item: Item) => string;
  /** The first one names the item. */
  readonly columns: readonly Column<Item>[];
  /** False stands for what cannot be done now, or not by the caller. */
  readonly actsOf?: (item: Item) => readonly (ItemAct | false)[];
  /** What is said where there is none. */
  readonly empty: string;
}

/** A list as a table, which becomes cards where it is narrow (hence the roles). */
export function Listing<Item>({ title, list, idOf, columns, actsOf, empty }: Props<Item>) {
  const { items, failure, hasMore } = list;
  const actsFor = (item: Item): ItemAct[] => (actsOf?.(item) ?? []).filter((act) => act !== false);
  const hasActs = (items ?? []).some((item) => actsFor(item).length > 0);
  return (
    <>
      <p class="message" role="alert">
        {failure}
      </p>
      {items === undefined && failure === '' && <p role="status">Loading…</p>}
      {items?.length === 0 && <p class="muted">{empty}</p>}
      {items !== undefined && items.length > 0 && (
        <table class="listing" role="table" aria-label={title}>
          <thead role="rowgroup">
            <tr role="row">
              {columns.map((column) => (
                <th key={column.title} role="columnheader" scope="col">
                  {column.title}
                </th>
              ))}
              {hasActs && (
                <th role="columnheader" scope="col">
                  <span class="hidden">What can be done</span>
                </th>
              )}
            </tr>
          </thead>
          <tbody role="rowgroup">
            {items.map((item) => (
              <tr key={idOf(item)} role="row">
                {columns.map((column, index) => (
                  <td key={column.title} role={index === 0 ? 'rowheader' : 'cell'} data-title={column.title}>
                    {column.cell(item)}
                  </td>
                ))}
                {hasActs && (
                  <td role="cell" class="acts">
                    {actsFor(item).map(({ label, isDangerous, run }) => (
                      <button
                        key={label}
                        type="button"
                        class={isDangerous ? 'is-dangerous' : ''}
                        onClick={run}
                      >
                        {label}
                      </button>
                    ))}
                  </td>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {hasMore && (
        <button type="button" onClick={list.more}>
          More
        </button>
      )}
    </>
  );
}
