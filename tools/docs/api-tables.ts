import {
  expandScopes,
  type Operation,
  operations,
  organisationScopes,
  roles,
  type Scope,
  scopes,
  statusOf,
  tagOfOperation,
} from '@loadline/sdk/api';
import { codes } from '@loadline/sdk/contract';

/** What the table of the API has to say in docs/api.md. */

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`);
  return lines.join('\n');
}

/** Every scope that can be given, and those of the fleet. */
export function scopesTable(): string {
  const rows = Object.entries(scopes)
    .filter(([, { of }]) => of !== 'gateway')
    .map(([name, { of, reads, does }]) => [`\`${name}\``, of, reads ? 'reads' : 'changes', does]);
  return table(['scope', 'of', '', 'opens'], rows);
}

/** Every role that each organisation has, by what it may do. */
export function rolesTable(): string {
  const rows = Object.entries(roles).map(([name, { of, scopes: patterns }]) => {
    const has = expandScopes(patterns);
    const said = has.size === organisationScopes.length ? '`all.*`' : short(patterns);
    return [`\`${name}\``, of === 'customer' ? 'of a customer' : 'of the organisation', said];
  });
  return table(['role', '', 'scopes'], rows);
}

/** `series.get`, `series.set` as `series.get`, `.set`. */
function short(patterns: readonly string[]): string {
  return patterns.map((one) => `\`${one}\``).join(' ');
}

/** Every operation by what it is about: what it is called, where it is, what opens it. */
export function operationsTable(): string {
  const all = Object.entries<Operation>(operations);
  const subjects = [...new Set(all.map(([, one]) => tagOfOperation(one)))];
  return subjects
    .map((subject) => {
      const rows = all
        .filter(([, one]) => tagOfOperation(one) === subject)
        .map(([id, { method, path, opens, summary }]) => [
          `\`${id}\``,
          `\`${method} ${path}\``,
          openedBy(opens),
          summary,
        ]);
      return `### ${subject}\n\n${table(['operation', 'call', 'opened by', ''], rows)}`;
    })
    .join('\n\n');
}

function openedBy(opens: Operation['opens']): string {
  switch (opens) {
    case 'public':
      return 'anybody';
    case 'caller':
      return 'any session or token';
    case 'self':
      return 'a session';
    default:
      return scopes[opens satisfies Scope].of === 'fleet' ? `\`${opens}\`, of the fleet` : `\`${opens}\``;
  }
}

/** Every code that the API may refuse with. */
export function refusalsTable(): string {
  const rows = Object.entries(statusOf).map(([code, status]) => [
    String(status),
    `\`${code}\``,
    codes[code as keyof typeof statusOf],
  ]);
  return table(['status', 'code', 'means'], rows);
}
