// biome-ignore-all lint/a11y/noRedundantRoles: CSS `display`, which makes cards of rows, takes the native roles away.
import type { ComponentChildren } from 'preact';

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
  /** Whether its columns find room on a phone: then it stays a table there. Default: it becomes cards. */
  readonly isNarrow?: boolean;
  readonly items: readonly Item[];
  readonly idOf: (item: Item) => string;
  /** The first one names the item. */
  readonly columns: readonly Column<Item>[];
  /** False stands for what cannot be done now, or not by the caller. */
  readonly actsOf?: (item: Item) => readonly (ItemAct | false)[];
}

/** A table, which becomes cards where there is little room (hence the roles). */
export function Table<Item>({ title, isNarrow = false, items, idOf, columns, actsOf }: Props<Item>) {
  const actsFor = (item: Item): ItemAct[] => (actsOf?.(item) ?? []).filter((act) => act !== false);
  const hasActs = items.some((item) => actsFor(item).length > 0);
  return (
    <table class={isNarrow ? 'listing is-narrow' : 'listing'} role="table" aria-label={title}>
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
                  <button key={label} type="button" class={isDangerous ? 'is-dangerous' : ''} onClick={run}>
                    {label}
                  </button>
                ))}
              </td>
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
