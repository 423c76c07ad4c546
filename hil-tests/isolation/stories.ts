import { randomUUID } from 'node:crypto';
import type { InputOf, OperationId, Operations } from '@loadline/sdk/api';
import { type Answer, Caller } from '../inhabited/caller.ts';
import { arrive, codeAt, elsewhere, newPassword } from '../inhabited/person.ts';
import type { Site } from '../inhabited/site.ts';
import type { Traces } from './traces.ts';

/** Operations that the matrix does not carry out: public ones, what is one's own, and what would end everything. */
export type StoryId =
  | {
      [K in OperationId]: Operations[K]['opens'] extends 'public'
        ? K
        : Operations[K]['opens'] extends 'self' | 'caller'
          ? Operations[K]['method'] extends 'GET'
            ? never
            : K
          : never;
    }[OperationId]
  | 'cutOffOrganisation';

export interface Told {
  readonly answer: Answer;
  /** What the audit log says since. */
  readonly entries: readonly { readonly action: string; readonly outcome: string }[];
}

/** Carries each of them out once, by people who are there for this alone. Total: a new one has to be told too. */
export async function stories(site: Site, traces: Traces): Promise<Record<StoryId, Told>> {
  const { chief, makers, mails, cloud, loot } = site;
  const told = async <K extends OperationId>(caller: Caller, id: K, input: InputOf<Operations[K]>) => {
    const newest = traces.newest();
    const answer = await caller.call(id, input);
    return { answer, entries: traces.entriesSince(newest) };
  };
  const stranger = new Caller({ cloud, loot });

  const ann = await makers.first.person('own');
  const patchProfile = await told(ann.caller, 'patchProfile', { body: { name: 'Ann' } });
  const password = newPassword();
  const changePassword = await told(ann.caller, 'changePassword', {
    body: { current: ann.password, password },
  });
  const other = await elsewhere(site, { ...ann, password });
  const { items } = await ann.caller.get('listOwnSessions', {});
  const session = items.find(({ current }) => !current)?.id ?? '';
  const endOwnSession = await told(ann.caller, 'endOwnSession', { session });
  const cutOffSelf = await told(ann.caller, 'cutOffSelf', {});

  const beginSecondFactor = await told(ann.caller, 'beginSecondFactor', { body: { password } });
  const { secret } = JSON.parse(beginSecondFactor.answer.body) as { secret: string };
  const enableSecondFactor = await told(ann.caller, 'enableSecondFactor', {
    body: { code: codeAt(secret, 0) },
  });
  const renewRecoveryCodes = await told(ann.caller, 'renewRecoveryCodes', {
    body: { code: codeAt(secret, 1) },
  });
  const [first = '', second = ''] = (
    JSON.parse(renewRecoveryCodes.answer.body) as { recoveryCodes: string[] }
  ).recoveryCodes;
  const logIn = await told(other, 'logIn', { body: { email: ann.email, password } });
  const requestSecondFactorReset = await told(other, 'requestSecondFactorReset', {});
  const kept = await mails.link('second-factor-reset-requested', ann.email);
  const keepSecondFactor = await told(stranger, 'keepSecondFactor', { body: { secret: kept } });
  const again = await elsewhere(site, { ...ann, password });
  const confirmSecondFactor = await told(again, 'confirmSecondFactor', { body: { code: first } });
  const cancelSecondFactorReset = await told(ann.caller, 'cancelSecondFactorReset', {});
  const disableSecondFactor = await told(ann.caller, 'disableSecondFactor', {
    body: { password, code: second },
  });
  const logOut = await told(again, 'logOut', {});

  const inviting = site.other.administrator.caller;
  const invite = () =>
    inviting.get('createUser', {
      organisation: 'other',
      body: { email: ann.email, name: 'Ann', role: 'viewer', reach: 'organisation' },
    });
  const theirs = { organisation: 'other' };
  await invite();
  const acceptInvitation = await told(ann.caller, 'acceptInvitation', theirs);
  const leaveOrganisation = await told(ann.caller, 'leaveOrganisation', theirs);
  await invite();
  const declineInvitation = await told(ann.caller, 'declineInvitation', theirs);

  const requestPasswordReset = await told(stranger, 'requestPasswordReset', { body: { email: ann.email } });
  const reset = await mails.link('password-reset', ann.email);
  const readLink = await told(stranger, 'readLink', { body: { secret: reset } });
  const renewed = newPassword();
  const setPassword = await told(stranger, 'setPassword', { body: { secret: reset, password: renewed } });
  const last = await elsewhere(site, { ...ann, password: renewed });
  const eraseSelf = await told(last, 'eraseSelf', { body: { password: renewed } });

  const shortLived = `short-lived-${randomUUID()}`;
  const administrator = { email: `${shortLived}@people.example`, name: 'Short' };
  await chief.caller.get('createOrganisation', { body: { id: shortLived, name: 'Short', administrator } });
  const short = await arrive(site, administrator.email);
  const cutOffOrganisation = await told(short.caller, 'cutOffOrganisation', { organisation: shortLived });

  // The set-up of this cloud was done by its link when it was started: what it left is looked for.
  const setUp = {
    answer: { status: 204, headers: {}, body: '', milliseconds: 0 },
    entries: traces.entriesSince(0).filter(({ action }) => action === 'setup'),
  };
  const getOpenApi = await told(stranger, 'getOpenApi', {});
  for (const caller of [stranger, other, again, last, ann.caller, short.caller]) caller.close();
  return {
    ...{ setUp, logIn, logOut, confirmSecondFactor, requestSecondFactorReset, keepSecondFactor },
    ...{ requestPasswordReset, readLink, setPassword, patchProfile, changePassword, endOwnSession },
    ...{ cutOffSelf, beginSecondFactor, enableSecondFactor, renewRecoveryCodes, disableSecondFactor },
    ...{ acceptInvitation, leaveOrganisation, declineInvitation },
    ...{ cancelSecondFactorReset, eraseSelf, cutOffOrganisation, getOpenApi },
  };
}
