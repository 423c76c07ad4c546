import { createSecretKey, type KeyObject } from 'node:crypto';
import type { Log } from '@loadline/sdk/platform';
import { reachesMember, type Standing } from '../access/index.ts';
import {
  type Alarm,
  type Block,
  Guard,
  type GuardOptions,
  type HashedSubject,
  type SubjectKind,
} from '../guard/index.ts';
import type { Keys } from '../keys/index.ts';
import type { GuessedThing, Mailer } from '../mail/index.ts';
import { type Store, step } from '../store/index.ts';
import { actsForWhole } from './rules.ts';
import { addressOf } from './sign-in.ts';
import type { Visitor } from './visitor.ts';

/** A block, and whom it is about; `subject: null` where that is nobody, or not to be told. */
export interface NamedBlock {
  readonly block: Block;
  readonly subject: string | null;
  /** The account's opaque id, where it is one. */
  readonly person: string | undefined;
  /**
   * It protects what is not of the organisation that it was listed for: of who is something elsewhere too, or a fleet
   * operator. Who could end it there would guess on without end at what is of others.
   */
  readonly ofOthersToo: boolean;
}

/** What came of ending a block; `more-than-own`: it protects what is of others too. */
export type EndOfBlock = 'ended' | 'not-found' | 'more-than-own';

/** The time at which a block is kept that only an act ends. */
const never = Number.MAX_SAFE_INTEGER;

/** Members that are read to find out whose a block is. */
const mostMembers = 100_000;

/** What somebody is guessing, by what he tries to be. */
const guessed: Record<SubjectKind, GuessedThing> = {
  account: 'password',
  'second-factor': 'second-factor',
  token: 'api-token',
  'application-key': 'application-key',
  socket: 'gateway-credential',
  code: 'pin',
};

/**
 * The guard's memory and its voice: blocks are kept over a restart, administrators are told of them, and may end them.
 */
export class Blocks {
  /** The one guard of every door. */
  readonly guard: Guard;
  readonly #store: Store;
  readonly #mailer: Pick<Mailer, 'send'>;
  readonly #log: Log;
  /** Writes under way: one after the other, so that a block that begins and ends is not kept. */
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(parts: BlocksOptions) {
    this.#store = parts.store;
    this.#mailer = parts.mailer;
    this.#log = parts.log;
    this.guard = new Guard({
      ...guardKeys(parts.keys),
      now: parts.now,
      onAlarm: (alarm) => {
        this.#tell(alarm).catch((error: Error) => this.#failed(error));
      },
      onBlock: (block) => {
        const { id, until } = block;
        this.#write(step('setBlock', { id, block: JSON.stringify(block), until: until ?? never }));
      },
      onUnblock: ({ id }) => this.#write(step('removeBlock', { id })),
    });
  }

  /** Makes the guard, and takes up the blocks that were kept. */
  static async open(parts: BlocksOptions): Promise<Blocks> {
    const blocks = new Blocks(parts);
    const kept = await parts.store.read('blocks', {});
    blocks.guard.restore(kept.map((one) => JSON.parse(one) as Block));
    return blocks;
  }

  /** Every block of now. Of accounts, tokens and keys that there are it is said which. */
  async ofFleet(): Promise<NamedBlock[]> {
    // The guard knows names by a hash alone, and the fleet's people are too many to try: the ids are enough to end one.
    return this.guard
      .blocks()
      .map((block) => ({ block, subject: null, person: undefined, ofOthersToo: false }));
  }

  /**
   * The blocks that are about the people and programs of an organisation, as far as the asker reaches: of programs only
   * for who acts for the whole of it.
   */
  async of(organisation: string, standing: Standing): Promise<NamedBlock[]> {
    const blocks = this.guard.blocks().filter(({ subject }) => subject !== undefined);
    if (blocks.length === 0) return [];
    const known = new Map<string, { name: string; person?: string }>();
    const key = ({ kind, id }: HashedSubject) => `${kind}:${id}`;
    const members = await this.#store.read('members', {
      organisation,
      email: null,
      role: null,
      department: null,
      customer: null,
      afterCreated: -1,
      afterId: '',
      limit: mostMembers,
    });
    for (const { id: person, email: name, ...member } of members) {
      if (!reachesMember(standing.reach, member)) continue;
      for (const kind of ['account', 'second-factor'] as const) {
        known.set(key(this.guard.hashed({ kind, name })), { name, person });
      }
    }
    if (actsForWhole(standing)) {
      for (const { id, kind, name } of await this.#store.read('credentials', { organisation })) {
        const subject = {
          kind: kind === 'token' ? ('token' as const) : ('application-key' as const),
          name: id,
        };
        known.set(key(this.guard.hashed(subject)), { name });
      }
    }
    const named = blocks.map(async (block): Promise<NamedBlock[]> => {
      const found = block.subject && known.get(key(block.subject));
      if (found === undefined) return [];
      const { name: subject, person } = found;
      if (person === undefined) return [{ block, subject, person, ofOthersToo: false }];
      const account = await this.#store.read('person', { id: person });
      // Who has not accepted to be here is not shown by what he is guarded against either.
      if (!account?.organisations.includes(organisation)) return [];
      const ofOthersToo = account.operator || account.organisations.length > 1;
      return [{ block, subject, person, ofOthersToo }];
    });
    return (await Promise.all(named)).flat();
  }

  /** Ends one of these blocks, which is written into the audit log first. */
  async end(among: readonly NamedBlock[], id: string, visitor: Visitor): Promise<EndOfBlock> {
    const named = among.find(({ block }) => block.id === id);
    if (named === undefined) return 'not-found';
    const { block, subject, person, ofOthersToo } = named;
    const { kind, failures, sources, until } = block;
    await this.#store.change({
      steps: [],
      audit: [
        visitor.entry({
          target: { kind: 'block', id },
          ...(ofOthersToo && { outcome: 'refused', code: 'more-than-own' }),
          before: {
            kind: block.subject?.kind ?? 'source',
            by: kind,
            failures,
            until: until === null ? null : iso(until),
          },
          personal: {
            of: person === undefined ? [] : [person],
            data: { sources: [...sources], ...(subject !== null && { subject }) },
          },
        }),
      ],
    });
    if (ofOthersToo) return 'more-than-own';
    this.guard.unblock(id);
    return 'ended';
  }

  /** Settles when everything that happened so far is kept. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  #write(one: ReturnType<typeof step>): void {
    this.#writing = this.#writing
      .then(() => this.#store.change({ steps: [one], audit: [] }))
      .catch((error: Error) => this.#failed(error));
  }

  #failed(error: Error): void {
    this.#log.error('guard-not-kept', { reason: error.message });
  }

  /** Tells who administrates what is attacked; the fleet's operators where that is nobody's, or several at once. */
  async #tell(alarm: Alarm): Promise<void> {
    const { subject, sources, failures, refused, first: since, last: at } = alarm;
    const whose = subject === undefined ? undefined : await this.#whose(subject);
    const organisations = whose?.organisations ?? [];
    const told = {
      kind: 'guessing-alarm' as const,
      what: subject === undefined ? ('password' as const) : guessed[subject.kind],
      // Nobody's name is not told: people type passwords into name fields.
      account: whose?.name ?? null,
      since,
      at,
      attempts: failures + refused,
      sources: sources.slice(0, sourcesTold),
      sourceCount: sources.length,
    };
    this.#log.warn('guessing', { what: told.what, attempts: told.attempts, sources: sources.length });
    if (organisations.length === 0) {
      for (const operator of await this.#store.read('operators', {})) {
        this.#mailer.send({ ...told, organisation: null, to: addressOf(operator) });
      }
      return;
    }
    for (const id of organisations) {
      const organisation = (await this.#store.read('organisation', { id }))?.name ?? id;
      for (const administrator of await this.#store.read('administrators', { organisation: id })) {
        this.#mailer.send({ ...told, organisation, to: addressOf(administrator) });
      }
    }
  }

  async #whose({
    kind,
    name,
  }: {
    kind: SubjectKind;
    name: string;
  }): Promise<{ name: string; organisations: readonly string[] } | undefined> {
    switch (kind) {
      case 'account':
      case 'second-factor': {
        const person = await this.#store.read('personByEmail', { email: name });
        return person && { name: person.email, organisations: person.organisations };
      }
      case 'token': {
        const token = await this.#store.read('apiToken', { id: name });
        return token && { name: token.name, organisations: [token.organisation] };
      }
      case 'application-key': {
        const [key] = await this.#store.read('heldKeys', { ids: [name] });
        return key && { name: key.name, organisations: [key.organisation] };
      }
      case 'socket':
      case 'code':
        return undefined;
    }
  }
}

/** Sources that a mail names at most. */
const sourcesTold = 10;

export interface BlocksOptions {
  readonly store: Store;
  readonly mailer: Pick<Mailer, 'send'>;
  readonly keys: Keys;
  readonly log: Log;
  /** ms since 1970. */
  readonly now: () => number;
}

/** What the guard hashes names with, and signs device cookies with: subkeys of the ring that is not renewed by itself. */
function guardKeys(keys: Keys): Pick<GuardOptions, 'nameKey' | 'deviceKeys'> {
  const newest = keys.newest('device-cookie');
  const older = keys
    .ids('derive')
    .filter((id) => id !== newest.id)
    .flatMap((id) => keys.version('device-cookie', id) ?? [])
    .reverse();
  const signing: [KeyObject, ...KeyObject[]] = [
    newest.subkey('device-cookie'),
    ...older.map((one) => one.subkey('device-cookie')),
  ];
  return { nameKey: createSecretKey(newest.derive('device-cookie', 'names')), deviceKeys: signing };
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
