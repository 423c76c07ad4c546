import { operations } from '@loadline/sdk/api';
import { type Role, roles, type Site } from '../inhabited/site.ts';
import { letterOf, ready } from './attempt.ts';
import {
  type Case,
  cases,
  isAdmittedOnly,
  isPublic,
  isUnsafe,
  type Letter,
  type Matrix,
  nameOf,
  type Row,
} from './table.ts';

/** Asks a cloud what it answers to every case: first whether it would admit it, then, on fresh things, for good. */
export async function askAll(site: Site, say: (text: string) => void): Promise<Matrix> {
  const rows = new Map<string, Row>();
  for (const one of cases()) {
    const row: Partial<Record<Role, Letter>> = {};
    for (const role of roles) row[role] = await ask(site, one, role);
    rows.set(nameOf(one), row as Row);
    say(nameOf(one));
  }
  const ids = Object.keys(operations) as Case['operation'][];
  return { rows, publics: ids.filter(isPublic) };
}

async function ask(site: Site, one: Case, role: Role): Promise<Letter> {
  const { operation } = one;
  const asked = await ready(site, one, { role, isFresh: false, isAsked: true });
  const first = letterOf(one, await asked.send());
  if (!isUnsafe(operation) || isAdmittedOnly(operation) || first !== 'a') return first;
  const done = await ready(site, one, { role, isFresh: true, isAsked: false });
  return letterOf(one, await done.send());
}
