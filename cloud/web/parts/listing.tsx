import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { Page } from '../api.ts';
import { inWords } from '../words.ts';
import { type Column, type ItemAct, Table } from './table.tsx';

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

/** A list that is loaded page by page, as a table. */
export function Listing<Item>({ list, empty, ...table }: Props<Item>) {
  const { items, failure, hasMore } = list;
  return (
    <>
      <p class="message" role="alert">
        {failure}
      </p>
      {items === undefined && failure === '' && <p role="status">Loading…</p>}
      {items?.length === 0 && <p class="muted">{empty}</p>}
      {items !== undefined && items.length > 0 && <Table {...table} items={items} />}
      {hasMore && (
        <button type="button" onClick={list.more}>
          More
        </button>
      )}
    </>
  );
}
