import { type Operation, type OperationId, operations } from '@loadline/sdk/api';
import type { Part } from '../inhabited/home.ts';
import { type Role, roles } from '../inhabited/site.ts';
import { samples } from './samples.ts';

/** What an operation answers, as a letter of the matrix. */
export const letters = {
  '+': 'done (2xx)',
  a: 'admitted: tried with a condition (If-Match) that never holds, so that nothing is done',
  '-': '403 forbidden: the scope is missing',
  '.': '404 not-found: out of reach, or not there',
  m: '403 more-than-own: nobody gives, takes or changes more than he has',
  f: '403 second-factor-required',
  c: '409 conflict',
  i: '400 request-invalid',
  l: '409 last-administrator',
  '!': '5xx: a fault of the cloud, which no line may have',
} as const;
export type Letter = keyof typeof letters;

/** One way to call one operation, on one part of the own organisation. */
export interface Case {
  readonly operation: OperationId;
  /** Of `samples`. */
  readonly attempt: string;
  readonly part: Part;
}

/** Everything that anybody may call says nothing about roles: these operations stand by themselves. */
export function isPublic(id: OperationId): boolean {
  return operations[id].opens === 'public';
}

/** Operations that would end the sessions that the matrix is tried with, or change its people: see `stories.ts`. */
export function isAdmittedOnly(id: OperationId): boolean {
  const { opens, method }: Operation = operations[id];
  return id === 'cutOffOrganisation' || ((opens === 'self' || opens === 'caller') && method !== 'GET');
}

export function isUnsafe(id: OperationId): boolean {
  return (operations[id] as Operation).method !== 'GET';
}

/** Operations whose body says to what part of the organisation something belongs. */
const partInBody: readonly OperationId[] = ['createUser', 'createDevice'];

/** Every case, in the order of the operations. */
export function cases(): Case[] {
  return (Object.keys(operations) as OperationId[])
    .filter((id) => !isPublic(id))
    .flatMap((operation) =>
      Object.keys(samples[operation]).flatMap((attempt) =>
        partsOf(operation, attempt).map((part) => ({ operation, attempt, part })),
      ),
    );
}

function partsOf(id: OperationId, attempt: string): Part[] {
  const { path }: Operation = operations[id];
  if (!path.includes(':organisation') || attempt === 'oneself to administrator') return ['own'];
  if (/:device|:user|:unit|:alarm/.test(path)) return ['own', 'department', 'customer'];
  if (partInBody.includes(id) && attempt === 'plain') return ['own', 'department', 'customer'];
  if (path.includes(':department')) return ['own', 'department'];
  if (path.includes(':customer')) return ['own', 'customer'];
  return ['own'];
}

/** How a case is named in the matrix. */
export function nameOf({ operation, attempt, part }: Case): string {
  const what = attempt === 'plain' ? operation : `${operation} ${attempt}`;
  return part === 'own' ? what : `${what}, foreign ${part}`;
}

/** The letters of one case, by role. */
export type Row = Readonly<Record<Role, Letter>>;
export interface Matrix {
  readonly rows: ReadonlyMap<string, Row>;
  readonly publics: readonly string[];
}

/** Short names of the columns. */
const codes: Record<Role, string> = {
  administrator: 'Ad',
  'department-administrator': 'DA',
  editor: 'Ed',
  technician: 'Te',
  viewer: 'Vi',
  'dashboards-only': 'Da',
  'customer-member': 'CM',
  'customer-moderator': 'CO',
  'customer-administrator': 'CA',
  'own-everything': 'OE',
  'own-narrow': 'ON',
  operator: 'Op',
  'operator-granted': 'OG',
  'token-all': 'TA',
  'token-read-only': 'TR',
  'token-custom': 'TC',
  'token-devices': 'TD',
  'token-tags': 'TT',
  pending: 'Pe',
  'without-factor': 'WF',
};

const meanings: Record<Role, string> = {
  administrator: 'of the whole organisation',
  'department-administrator': 'of department A',
  editor: 'of department A',
  technician: 'of department A',
  viewer: 'of the whole organisation',
  'dashboards-only': 'of department A',
  'customer-member': 'of customer K',
  'customer-moderator': 'of customer K',
  'customer-administrator': 'of customer K',
  'own-everything': 'an own role with all.*, for department A',
  'own-narrow': 'an own role with devices.get and device.enrol, for the whole organisation',
  operator: 'a fleet operator without a grant',
  'operator-granted': 'a fleet operator who was granted administrator',
  'token-all': "an API token with all.*, the administrator's, as all of these",
  'token-read-only': 'with all.read',
  'token-custom': 'with devices.get, device.get, commands.*, tokens.create',
  'token-devices': 'with all.*, for some devices only, the own one and spare ones',
  'token-tags': 'with all.*, for one tag only',
  pending: "an administrator's session that lacks its second factor",
  'without-factor':
    'the administrator of an organisation that asks everyone for a second factor, who has none',
};

const width = 72;

/** The matrix as text, for people to review. */
export function render({ rows, publics }: Matrix): string {
  const lines = [
    '# Who may do what: a line a case, a column a role, a letter an answer. It is compared with what the cloud',
    '# answers, and is not made from the rules of the cloud: `npm run matrix -- --write` asks a cloud and writes this',
    '# file. Whoever runs that reads every line that changed, and answers for it.',
    '#',
    '# "Own" is department A and, of customers, K: the devices and people of a case without "foreign" are theirs. A',
    '# device of a foreign department is still customer K’s, and one of a foreign customer still of department A.',
    '# Another organisation, no login, and logins and tokens that ended are rules, not lines: see matrix.test.ts.',
    '#',
    ...Object.entries(letters).map(([letter, what]) => `#   ${letter}  ${what}`),
    '#',
    ...roles.map((role) => `#   ${codes[role]}  ${role}: ${meanings[role]}`),
    '',
    ...publics.map((id) => `public ${id}`),
    '',
    `${'#'.padEnd(width)}${roles.map((role) => codes[role]).join(' ')}`,
  ];
  for (const [name, row] of rows) {
    lines.push(`${name.padEnd(width)}${roles.map((role) => row[role].padEnd(2)).join(' ')}`.trimEnd());
  }
  return `${lines.join('\n')}\n`;
}

/** Reads what `render` wrote. @throws Error where a line is not one */
export function parse(text: string): Matrix {
  const rows = new Map<string, Row>();
  const publics: string[] = [];
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    if (line.startsWith('public ')) {
      publics.push(line.slice('public '.length));
      continue;
    }
    const name = line.slice(0, width).trim();
    const found = line.slice(width).trim().split(/ +/);
    if (found.length !== roles.length || found.some((one) => !Object.hasOwn(letters, one))) {
      throw new Error(`matrix.txt: not a line of ${roles.length} letters: ${line}`);
    }
    rows.set(name, Object.fromEntries(roles.map((role, at) => [role, found[at]])) as Row);
  }
  return { rows, publics };
}
