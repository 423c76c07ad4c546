import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Standing } from '../access/index.ts';
import { type AuditDraft, type AuditRow, Store, step } from '../store/index.ts';
import { Administration, type Editor, type Entry, type Result } from './administration.ts';
import { Grants } from './grants.ts';
import type { Invitation } from './invite.ts';
import { Members } from './members.ts';
import { Operators } from './operators.ts';
import { Organisations } from './organisations.ts';
import { Parts } from './parts.ts';
import { placesOf } from './principals.ts';
import { Roles } from './roles.ts';
import type { Position } from './rules.ts';

/** Parts for the tests of organisations: a store on disk, encrypted, and everything that changes them. */

/** What somebody is taken in as, where a test does not say. */
const viewer: Position = { role: 'viewer', reach: 'organisation', departments: [], customer: null };

export class TestFleet {
  readonly store: Store;
  readonly members: Members;
  readonly organisations: Organisations;
  readonly roles: Roles;
  readonly departments: Parts;
  readonly customers: Parts;
  readonly grants: Grants;
  readonly operators: Operators;
  /** ms since 1970. */
  now = Date.parse('2026-11-22T10:00:00Z');
  /** Mails that were sent. */
  readonly invitations: Invitation[] = [];
  readonly #folder: string;

  private constructor(folder: string, store: Store) {
    this.#folder = folder;
    this.store = store;
    const now = () => this.now;
    const invite = async (invitation: Invitation) => {
      this.invitations.push(invitation);
    };
    const administration = new Administration({ store, now });
    const moved = async () => undefined;
    this.members = new Members({ store, administration, invite, now });
    this.organisations = new Organisations({ store, administration, invite, changed: moved, now });
    this.roles = new Roles({ store, administration, now });
    this.departments = new Parts('department', { store, administration, moved });
    this.customers = new Parts('customer', { store, administration, moved });
    this.grants = new Grants({ store, administration, now });
    this.operators = new Operators({ store, invite, now });
  }

  static async open(): Promise<TestFleet> {
    const folder = mkdtempSync(join(tmpdir(), 'loadline-people-'));
    const options = { file: join(folder, 'loadline.db'), key: 'a5'.repeat(32) };
    const fail = (reason: string) => {
      throw new Error(reason);
    };
    return new TestFleet(folder, await Store.open(options, fail));
  }

  async close(): Promise<void> {
    await this.store.close();
    rmSync(this.#folder, { recursive: true });
  }

  /** A new organisation, and its administrator, who has logged in. */
  async organisation(): Promise<{ id: string; administrator: string }> {
    const id = `o${randomUUID().slice(0, 8)}`;
    const email = `${randomUUID()}@example.org`;
    const made = await this.organisations.create(
      { person: 'an-operator', entry: this.entry(null, 'an-operator') },
      { id, name: id, administrator: { email, name: 'Ada' } },
    );
    assert.is(made.kind, 'done');
    const administrator = await this.personOf(email);
    await this.arrive(administrator);
    return { id, administrator };
  }

  /** A new person in an organisation, taken in by its administrator, who has logged in. */
  async member(
    organisation: { id: string; administrator: string },
    position: Partial<Position> = {},
  ): Promise<string> {
    const email = `${randomUUID()}@example.org`;
    const editor = await this.editor(organisation.id, organisation.administrator);
    const { id } = done(await this.members.create(editor, { email, name: 'Eve', ...viewer, ...position }));
    await this.arrive(id);
    return id;
  }

  /** A fleet operator who has logged in, and is nothing else. */
  async operator(): Promise<{ id: string; email: string }> {
    const email = `${randomUUID()}@example.org`;
    const by = { person: 'the-first', entry: this.entry(null, 'the-first') };
    const { id } = done(await this.operators.create(by, { email, name: 'Otto' }));
    await this.arrive(id);
    return { id, email };
  }

  /** Chooses a password and accepts every invitation, as far as these rules see it. */
  async arrive(person: string): Promise<void> {
    const steps = [step('setPassword', { person, passwordHash: 'a hash' }, 'some')];
    assert.ok((await this.store.change({ steps, audit: [] })).done);
    await this.accept(person);
  }

  /** Accepts every invitation. */
  async accept(person: string): Promise<void> {
    const invitations = await this.store.read('invitations', { person });
    const steps = invitations.map(({ organisation }) =>
      step('acceptInvitation', { organisation: organisation.id, person, at: this.now }, 'some'),
    );
    assert.ok((await this.store.change({ steps, audit: [] })).done);
  }

  /** What a person is in an organisation now. */
  async standing(organisation: string, person: string): Promise<Standing | undefined> {
    const record = await this.store.read('standings', { person, now: this.now });
    const places = placesOf(record, { secondFactor: true, since: this.now + 1 });
    return places.find((one) => one.organisation.id === organisation)?.standing;
  }

  async editor(organisation: string, person: string): Promise<Editor> {
    const standing = await this.standing(organisation, person);
    if (standing === undefined) throw new Error(`${person} is nothing in ${organisation}`);
    const again = () => this.standing(organisation, person);
    return { standing, again, person, entry: this.entry(organisation, person) };
  }

  /** A gateway of an organisation. */
  async device(
    organisation: string,
    place: { department?: string; customer?: string } = {},
  ): Promise<string> {
    const id = `g${randomUUID().slice(0, 8)}`;
    const { department = null, customer = null } = place;
    const { done: isDone } = await this.store.change({
      steps: [
        step('addDevice', { id, organisation, kind: 'gateway' }, 'some'),
        step('setDevicePlace', { id, organisation, name: null, department, customer }, 'some'),
      ],
      audit: [],
    });
    assert.ok(isDone);
    return id;
  }

  async place(id: string) {
    const { devices } = await this.store.read('directory', {});
    const found = devices.find((one) => one.id === id);
    if (found === undefined) throw new Error(`there is no ${id}`);
    const { department, customer } = found;
    return { id, department, customer };
  }

  /** Entries of an audit log, the newest first. */
  async audit(organisation: string | null): Promise<AuditRow[]> {
    return (await this.store.read('audit', { organisation, limit: 1000 })).entries;
  }

  async personOf(email: string): Promise<string> {
    const account = await this.store.read('account', { email });
    if (account === undefined) throw new Error(`nobody is ${email}`);
    return account.id;
  }

  /** Entries as the door makes them. */
  entry(organisation: string | null, person: string): Entry {
    return ({ personal, ...what } = {}): AuditDraft => ({
      organisation,
      at: this.now,
      actor: { kind: 'user', id: person },
      channel: 'https',
      action: 'test',
      target: null,
      outcome: 'done',
      code: null,
      before: null,
      after: null,
      ...what,
      personal: { of: [person, ...(personal?.of ?? [])], data: { ...personal?.data, source: '192.0.2.1' } },
    });
  }
}

/** What was done; fails where it was refused. */
export function done<T>(result: Result<T>): T {
  if (result.kind === 'done') return result.value;
  throw new Error(`refused: ${result.code}: ${result.detail}`);
}

/** Why it was refused; `done` where it was not. */
export function code(result: Result<unknown>): string {
  return result.kind === 'refused' ? result.code : result.kind;
}
