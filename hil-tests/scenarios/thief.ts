import { Caller } from '../inhabited/caller.ts';
import type { CloudProcess } from '../system/index.ts';
import { columnBytes } from './needles.ts';

type Tables = ReadonlyMap<string, readonly Record<string, unknown>[]>;

/** The forms in which a value of a column could be shown at a door. */
export function shown(value: unknown): string[] {
  const bytes = Buffer.from(columnBytes(value));
  const forms = ['latin1', 'hex', 'base64', 'base64url'] as const;
  return forms.map((form) => bytes.toString(form)).filter((form) => /^[\x21-\x7e]{6,1000}$/.test(form));
}

/** The tables of people, programs and devices, and of what they prove themselves by. */
const credentialTables = [
  ...['person', 'recovery_code', 'person_session', 'link', 'api_token', 'application', 'application_key'],
  ...['enrolment', 'block', 'access_grant', 'device', 'device_credential', 'fleet', 'once'],
  ...['accounting_record', 'accounting_open', 'accounting_source'],
];

/** What these tables hold: text and bytes. @throws Error where one is not there: what a test asks for must exist */
export function columnsIn(tables: Tables, names: readonly string[] = credentialTables): unknown[] {
  const rows = names.flatMap((name) => {
    const found = tables.get(name);
    if (found === undefined) throw new Error(`there is no table ${name}`);
    return found;
  });
  const values = rows.flatMap((row) => Object.values(row));
  return values.filter((value) => value !== null && typeof value !== 'number');
}

/** The same, in every form. */
export function valuesIn(tables: Tables, names?: readonly string[]): string[] {
  return [...new Set(columnsIn(tables, names).flatMap(shown))];
}

/** Calls `attempt` with each value, a few at a time, by callers that nobody holds up; counts what it says. */
export async function tried(
  cloud: Pick<CloudProcess, 'httpsPort' | 'authorityPem'>,
  values: readonly string[],
  attempt: (caller: Caller, value: string) => Promise<string | number>,
  callsEach = 20,
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  const queue = values.values();
  const lane = async () => {
    let caller = new Caller({ cloud, connections: 1 });
    let calls = 0;
    for (const value of queue) {
      if (calls++ % callsEach === 0) {
        caller.close();
        caller = new Caller({ cloud, connections: 1 });
      }
      const said = String(await attempt(caller, value));
      counts[said] = (counts[said] ?? 0) + 1;
    }
    caller.close();
  };
  await Promise.all([1, 2, 3, 4].map(lane));
  return counts;
}
