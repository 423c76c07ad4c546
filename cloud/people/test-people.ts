import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Log } from '@loadline/sdk/platform';
import { TOTP } from 'otpauth';
import * as assert from 'uvu/assert';
import type { UserPrincipal } from '../access/index.ts';
import type { Guard } from '../guard/index.ts';
import { type Keys, openKeys } from '../keys/index.ts';
import type { Mail, MailKind } from '../mail/index.ts';
import { type AuditRow, type DatabaseOptions, Store, step } from '../store/index.ts';
import { Blocks } from './blocks.ts';
import { Consents } from './consents.ts';
import { FactorCodes } from './factor-codes.ts';
import { FactorResets } from './factor-resets.ts';
import { PasswordChanges } from './password-changes.ts';
import { hashPassword } from './passwords.ts';
import { Profiles } from './profiles.ts';
import { SecondFactors } from './second-factors.ts';
import { Sessions } from './sessions.ts';
import { Setup } from './setup.ts';
import { type SignedIn, SignIn } from './sign-in.ts';
import type { Visitor } from './visitor.ts';

/** Parts for the tests of signing in: a store on disk, encrypted, keys beside it, and everything that uses them. */

export const minute = 60_000;
export const hour = 60 * minute;
export const day = 24 * hour;

/** The password of everybody here, and another that may be chosen too. */
export const password = 'kq7-wobble-Tarn-0394';
export const otherPassword = 'gl2-Pumice-orbit-7715';

let passwordHash: Promise<string> | undefined;

export interface TestPerson {
  readonly id: string;
  readonly email: string;
}

const quiet: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Everything that signs people in, in one process, with a clock that stands until it is moved. */
export class TestPeople {
  readonly mails: Mail[] = [];
  /** Looks into the store, and changes of it. */
  readonly asked: string[] = [];
  /** ms since 1970. */
  now = Date.parse('2026-11-22T10:00:00Z');
  store!: Store;
  keys!: Keys;
  blocks!: Blocks;
  sessions!: Sessions;
  signIn!: SignIn;
  factors!: SecondFactors;
  factorResets!: FactorResets;
  passwords!: PasswordChanges;
  profiles!: Profiles;
  setup!: Setup;
  consents!: Consents;
  readonly #folder = mkdtempSync(join(tmpdir(), 'loadline-people-'));

  static async open(): Promise<TestPeople> {
    const people = new TestPeople();
    await people.start('new');
    return people;
  }

  get guard(): Guard {
    return this.blocks.guard;
  }

  /** Starts, or starts again on what is on disk. */
  async start(isNew?: 'new'): Promise<void> {
    const now = () => this.now;
    const options: DatabaseOptions = { file: join(this.#folder, 'loadline.db'), key: 'a5'.repeat(32) };
    const kept = await Store.open(options, (reason) => {
      throw new Error(reason);
    });
    this.store = counting(kept, this.asked);
    this.keys = await openKeys(this.#folder, {
      now,
      isNew: isNew === 'new',
      longestTokenMilliseconds: 365 * day,
    });
    const mailer = {
      send: (mail: Mail) => void this.mails.push(mail),
      forget: async (address: string) => {
        this.mails.splice(0, this.mails.length, ...this.mails.filter(({ to }) => to.address !== address));
      },
    };
    const { store, keys } = this;
    this.blocks = await Blocks.open({ store, mailer, keys, log: quiet, now });
    const { guard } = this;
    this.sessions = new Sessions({ store, now });
    const codes = new FactorCodes({ store, keys, guard, now });
    const parts = { store, keys, sessions: this.sessions, codes, guard, mailer, now };
    this.signIn = new SignIn(parts);
    this.factors = new SecondFactors(parts);
    this.factorResets = new FactorResets(parts);
    this.passwords = new PasswordChanges(parts);
    this.profiles = new Profiles(parts);
    this.setup = new Setup(parts);
    this.consents = new Consents(parts);
  }

  async stop(): Promise<void> {
    await this.blocks.settled();
    await this.store.close();
  }

  async close(): Promise<void> {
    await this.stop();
    rmSync(this.#folder, { recursive: true });
  }

  /** An organisation of that id; asks whom it says for a second factor. */
  async organisation(
    id: string,
    secondFactor: 'not-required' | 'everyone' = 'not-required',
  ): Promise<string> {
    const policies = {
      isolation: 'basic',
      tokenDays: 365,
      auditDays: 730,
      sockets: 'off',
      readingsDays: null,
      certificateGraceDays: 0,
      updates: 'on',
    } as const;
    await this.#do(
      step('createOrganisation', { id, name: `${id} ltd`, created: this.now }),
      step('setOrganisation', { organisation: id, name: `${id} ltd`, secondFactor, ...policies }, 'some'),
    );
    return id;
  }

  /** Somebody with the password of everybody, in organisations, with a role in all of them. */
  async person(
    organisations: readonly string[] = [],
    { role = 'viewer', operator = 0 as 0 | 1 } = {},
  ): Promise<TestPerson> {
    passwordHash ??= hashPassword(password);
    const [id, email] = [randomUUID(), `p${randomUUID().slice(0, 8)}@example.org`];
    const place = { role, reach: 'organisation', customer: null, called: 'Ann', arrived: this.now } as const;
    await this.#do(
      step('addPerson', {
        id,
        email,
        name: 'Ann',
        passwordHash: await passwordHash,
        operator,
        created: this.now,
      }),
      ...organisations.map((organisation) =>
        step('addMember', { organisation, person: id, ...place, created: this.now }, 'some'),
      ),
    );
    return { id, email };
  }

  /** A request from somewhere. */
  visitor(over: Partial<Visitor> & { actor?: string; organisation?: string } = {}): Visitor {
    const { actor, organisation, ...rest } = over;
    return {
      source: '192.0.2.1',
      agent: 'test',
      device: undefined,
      entry: ({ personal, ...what } = {}) => ({
        organisation: organisation ?? null,
        at: this.now,
        actor: actor === undefined ? { kind: 'nobody', id: '' } : { kind: 'user', id: actor },
        channel: 'https',
        action: 'test',
        target: null,
        outcome: 'done',
        code: null,
        before: null,
        after: null,
        ...what,
        personal: {
          of: [...(actor === undefined ? [] : [actor]), ...(personal?.of ?? [])],
          data: { ...personal?.data, source: rest.source ?? '192.0.2.1' },
        },
      }),
      ...rest,
    };
  }

  /** Logs in with the password of everybody; fails where it is not let in. */
  async logIn({ email }: TestPerson, visitor = this.visitor(), word = password): Promise<SignedIn> {
    const outcome = await this.signIn.logIn({ email, password: word }, visitor);
    if (outcome.kind !== 'signed-in') throw new Error(`the login was answered ${outcome.kind}`);
    return outcome;
  }

  /** A whole session of a person without a second factor. */
  async session(person: TestPerson): Promise<{ token: string; principal: UserPrincipal; visitor: Visitor }> {
    const { token } = await this.logIn(person);
    const principal = await this.principal(token);
    return { token, principal, visitor: this.visitor({ actor: person.id }) };
  }

  async principal(token: string): Promise<UserPrincipal> {
    return there(await this.sessions.principal(token));
  }

  /** Enables a second factor, and gives its secret and recovery codes; the clock is then past the code that was used. */
  async withFactor(
    person: TestPerson,
  ): Promise<{ secret: string; recoveryCodes: readonly string[]; token: string }> {
    const { token: known, principal, visitor } = await this.session(person);
    const offer = await this.factors.begin(principal, password, visitor);
    if (offer.kind !== 'offered') throw new Error(offer.kind);
    const enabled = await this.factors.enable(principal, { known, code: this.code(offer.secret) }, visitor);
    if (enabled.kind !== 'enabled') throw new Error(enabled.kind);
    this.now += minute;
    return { secret: offer.secret, ...enabled };
  }

  /** What an authenticator shows now. */
  code(secret: string): string {
    return new TOTP({ secret, algorithm: 'SHA1', digits: 6, period: 30 }).generate({ timestamp: this.now });
  }

  /** Entries of an audit log, the newest first. */
  async audit(organisation: string | null): Promise<AuditRow[]> {
    return (await this.store.read('audit', { organisation, limit: 1000 })).entries;
  }

  /** The last mail of a kind to somebody. */
  mail<Kind extends MailKind>(kind: Kind, { email }: TestPerson): Extract<Mail, { kind: Kind }> | undefined {
    return this.mails.findLast((mail) => mail.kind === kind && mail.to.address === email) as
      | Extract<Mail, { kind: Kind }>
      | undefined;
  }

  async #do(...steps: Parameters<Store['change']>[0]['steps'][number][]): Promise<void> {
    assert.ok((await this.store.change({ steps, audit: [] })).done);
  }
}

/** What has to be there; fails where it is not. */
export function there<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('it is not there');
  return value;
}

/** The same store, noting what it is asked. */
function counting(store: Store, asked: string[]): Store {
  return new Proxy(store, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown;
      if (typeof value !== 'function') return value;
      return (...parameters: unknown[]) => {
        if (name === 'read') asked.push(`read ${String(parameters[0])}`);
        if (name === 'change') asked.push('change');
        return (value as (...parameters: unknown[]) => unknown).apply(target, parameters);
      };
    },
  });
}
