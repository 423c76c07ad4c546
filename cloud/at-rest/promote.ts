import { randomBytes } from 'node:crypto';
import { identityLimits } from '@loadline/sdk/identity';
import { linkUrl, makeLink } from '../people/index.ts';
import { type FleetRow, type Step, Store, step } from '../store/index.ts';
import { counterAhead } from '../units/index.ts';

/**
 * A restored copy takes over.
 *
 * What was revoked since the backup stands in the copy as good, and nothing in it can say what that was. So all of it is
 * taken as revoked: nothing that was handed out before opens anything, until who is responsible for it says so anew. A
 * list of what was revoked, kept beside the database, would spare that; but it must be known to be whole, and after a loss
 * nobody can know that of a file that was on the machine that was lost.
 */

/** What came of it: how many of what were ended, held or switched off. */
export interface Promotion {
  readonly fleet: FleetRow;
  readonly ended: Readonly<Record<string, number>>;
  /** For whom somebody at the machine spoke: the links by which they choose a password. Secrets. */
  readonly links: readonly { readonly email: string; readonly link: string }[];
}

/** What is ended, in words, by the step that does it. In this order. */
const endings = [
  ['sessions', 'endEverySession'],
  ['links', 'endEveryLink'],
  ['passwordsAndFactors', 'endEveryPassword'],
  ['recoveryCodesUnused', 'endEveryRecoveryCode'],
  ['votes', 'endEveryFactorVote'],
  ['grants', 'endEveryGrant'],
  ['operators', 'endEveryOperator'],
  ['membershipsHeld', 'holdEveryMember'],
  ['apiTokensRevoked', 'endEveryApiToken'],
  ['applicationKeysOff', 'switchOffEveryApplicationKey'],
  ['deviceCredentialsOff', 'switchOffEveryDeviceCredential'],
  ['devicesOff', 'switchOffEveryDevice'],
  ['certificatesHeld', 'holdEveryCertificate'],
  ['enrolments', 'endEveryEnrolment'],
  ['rolloutsPaused', 'pauseEveryRollout'],
] as const satisfies readonly (readonly [string, Step['do']])[];

export interface PromoteOptions {
  readonly database: { readonly file: string; readonly key: string };
  /** Addresses of people for whom who does this speaks: they are again what they were when the backup was made. */
  readonly trusted: readonly string[];
  /** Where the page is for its users: the links lead there. */
  readonly page: string;
  readonly now: number;
}

/** @throws Error where the database is not fenced, or somebody who is trusted is not in it: then nothing is changed */
export async function promote({ database, trusted, page, now }: PromoteOptions): Promise<Promotion> {
  let failure: string | undefined;
  const store = await Store.open(database, (reason) => {
    failure = reason;
  });
  try {
    const before = await store.read('fleet', {});
    if (before.fenced === null) {
      throw new Error('this is no restored copy, or it is promoted already: it is not fenced');
    }
    const people = await Promise.all(trusted.map((email) => personOf(store, email)));
    const generation = randomBytes(16).toString('hex');
    const links = people.map((person) => ({ person, ...makeLink('set-password', now) }));
    const steps: Step[] = [
      step('beginGeneration', { generation, at: now }, 'some'),
      ...endings.map(([, name]) =>
        name === 'endEveryPassword' || name === 'holdEveryCertificate' || name === 'pauseEveryRollout'
          ? step(name, { at: now })
          : step(name, {}),
      ),
      step('raiseEveryCounter', {
        by: counterAhead,
        highest: identityLimits.ownershipCounter - counterAhead,
      }),
      ...people.flatMap(({ id, operator }) => [
        step('releaseMemberships', { person: id }),
        ...(operator ? [step('makeOperator', { person: id }, 'some')] : []),
      ]),
      ...links.map(({ person, hash: secretHash, expires }) =>
        step('addLink', {
          secretHash,
          person: person.id,
          purpose: 'set-password',
          expires,
          organisation: null,
        }),
      ),
    ];
    const organisations = await store.read('organisationIds', {});
    const entry = {
      organisation: [...organisations, null],
      at: now,
      actor: { kind: 'machine', id: '' },
      channel: 'command-line',
      action: 'cloud.promote',
      target: { kind: 'generation', id: generation },
      outcome: 'done',
      code: null,
      before: {
        generation: before.generation,
        counter: before.counter,
        backedUp: new Date(before.fenced ?? 0).toISOString(),
      },
      after: { counter: before.counter + 1, trusted: people.map(({ id }) => id) },
      personal: null,
    } as const;
    const changed = await store.change({ steps, audit: [entry] });
    if (!changed.done)
      throw new Error(`step ${changed.step} of the promotion changed nothing: is a cloud at work on it?`);
    return {
      fleet: await store.read('fleet', {}),
      ended: Object.fromEntries(endings.map(([name], index) => [name, changed.rows[index + 1] ?? 0])),
      links: links.map(({ person, secret }) => ({
        email: person.email,
        link: linkUrl(page, 'set-password', secret),
      })),
    };
  } finally {
    await store.close();
    if (failure !== undefined) process.stderr.write(`${failure}\n`);
  }
}

async function personOf(store: Store, email: string) {
  const account = await store.read('account', { email: email.toLowerCase() });
  if (account === undefined)
    throw new Error(`--trust ${email}: there is nobody of that address in the backup`);
  return account;
}
