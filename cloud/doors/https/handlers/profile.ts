import { deviceCookie, sessionCookie } from '@loadline/sdk/api';
import type { PasswordChanges, Profiles, Sessions } from '../../../people/index.ts';
import type { Handlers } from '../call.ts';
import { pageOf } from '../pages.ts';
import { Problem } from '../problem.ts';
import { isoTime } from './editing.ts';
import {
  keepSession,
  overtaken,
  tokenOf,
  unprovenProblem,
  visitorOf,
  weakPassword,
  wrongPassword,
} from './visitor.ts';

/** What is a person's own: name, password, sessions, and all that is kept of him. */
export function profileHandlers(parts: {
  profiles: Profiles;
  passwords: PasswordChanges;
  sessions: Sessions;
}): Pick<
  Handlers,
  | 'patchProfile'
  | 'changePassword'
  | 'listOwnSessions'
  | 'endOwnSession'
  | 'cutOffSelf'
  | 'exportProfile'
  | 'eraseSelf'
> {
  const { profiles, passwords, sessions } = parts;
  return {
    async patchProfile(call) {
      await profiles.rename(call.caller, call.input.body.name, visitorOf(call));
    },

    async changePassword(call) {
      const { current, password } = call.input.body;
      const known = tokenOf(call.visit);
      const outcome = await passwords.change(call.caller, { known, current, password }, visitorOf(call));
      switch (outcome.kind) {
        case 'changed':
          keepSession(call.visit, outcome.token);
          return;
        case 'overtaken':
          throw overtaken();
        case 'weak':
          throw weakPassword(outcome.reason);
        case 'wrong':
        case 'held':
          throw unprovenProblem(outcome, wrongPassword());
      }
    },

    async listOwnSessions({ caller, input: { query } }) {
      const all = await sessions.list(caller.id);
      const page = pageOf(all, query, ({ id }) => id);
      return {
        ...page,
        items: page.items.map(({ id, created, seen, expires, source, agent }) => ({
          id,
          current: id === caller.session,
          created: isoTime(created),
          seen: isoTime(seen),
          expires: isoTime(expires),
          source,
          agent,
        })),
      };
    },

    async endOwnSession(call) {
      const { session } = call.input;
      if (!(await sessions.end(call.caller, session, visitorOf(call)))) {
        throw new Problem(404, 'not-found', 'there is no such session, or it has ended already');
      }
      if (session === call.caller.session) call.visit.clearCookie(sessionCookie);
    },

    async cutOffSelf(call) {
      const token = await sessions.cutOff(call.caller, tokenOf(call.visit), visitorOf(call));
      if (token === undefined) throw overtaken();
      keepSession(call.visit, token);
    },

    async exportProfile({ caller }) {
      return await profiles.export(caller);
    },

    async eraseSelf(call) {
      const outcome = await profiles.erase(call.caller, call.input.body.password, visitorOf(call));
      switch (outcome.kind) {
        case 'erased':
          call.visit.clearCookie(sessionCookie);
          call.visit.clearCookie(deviceCookie);
          return;
        case 'last-administrator':
          throw new Problem(
            409,
            'last-administrator',
            'an organisation, or the fleet, would be left without anybody who administrates it: make another one first',
          );
        case 'wrong':
        case 'held':
          throw unprovenProblem(outcome, wrongPassword());
      }
    },
  };
}
