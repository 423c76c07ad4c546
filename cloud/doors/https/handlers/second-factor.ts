import type { FactorResets, SecondFactors } from '../../../people/index.ts';
import type { Handlers } from '../call.ts';
import { Problem } from '../problem.ts';
import { isoTime } from './editing.ts';
import {
  badLink,
  keepSession,
  overtaken,
  tokenOf,
  unprovenProblem,
  userOf,
  visitorOf,
  wrongCode,
  wrongPassword,
} from './visitor.ts';

/** The second factor: enabled, disabled, lost. */
export function secondFactorHandlers({
  factors,
  factorResets: resets,
}: {
  factors: SecondFactors;
  factorResets: FactorResets;
}): Pick<
  Handlers,
  | 'requestSecondFactorReset'
  | 'keepSecondFactor'
  | 'beginSecondFactor'
  | 'enableSecondFactor'
  | 'renewRecoveryCodes'
  | 'disableSecondFactor'
  | 'cancelSecondFactorReset'
  | 'resetSecondFactor'
> {
  return {
    async requestSecondFactorReset(call) {
      const outcome = await resets.askReset(userOf(call.caller), visitorOf(call));
      if (outcome.kind === 'asked') return { takesEffect: isoTime(outcome.takesEffect) };
      throw conflict('only who has given his password and lacks the second factor can ask for this');
    },

    async keepSecondFactor(call) {
      if (!(await resets.stopResetByLink(call.input.body.secret, visitorOf(call)))) throw badLink();
    },

    async beginSecondFactor(call) {
      const outcome = await factors.begin(call.caller, call.input.body.password, visitorOf(call));
      switch (outcome.kind) {
        case 'offered':
          return { secret: outcome.secret, uri: outcome.uri };
        case 'conflict':
          throw conflict('a second factor is enabled already: disable it first');
        case 'wrong':
        case 'held':
          throw unprovenProblem(outcome, wrongPassword());
      }
    },

    async enableSecondFactor(call) {
      const known = tokenOf(call.visit);
      const outcome = await factors.enable(call.caller, { known, ...call.input.body }, visitorOf(call));
      switch (outcome.kind) {
        case 'enabled':
          keepSession(call.visit, outcome.token);
          return { recoveryCodes: [...outcome.recoveryCodes] };
        case 'conflict':
          throw conflict('no second factor was begun, or one is enabled already');
        case 'overtaken':
          throw overtaken();
        case 'wrong':
        case 'held':
          throw unprovenProblem(outcome, wrongCode());
      }
    },

    async renewRecoveryCodes(call) {
      const outcome = await factors.renewCodes(call.caller, call.input.body.code, visitorOf(call));
      switch (outcome.kind) {
        case 'renewed':
          return { recoveryCodes: [...outcome.recoveryCodes] };
        case 'conflict':
          throw conflict('no second factor is enabled');
        case 'overtaken':
          throw overtaken();
        case 'wrong':
        case 'held':
          throw unprovenProblem(outcome, wrongCode());
      }
    },

    async disableSecondFactor(call) {
      const known = tokenOf(call.visit);
      const outcome = await factors.disable(call.caller, { known, ...call.input.body }, visitorOf(call));
      switch (outcome.kind) {
        case 'disabled':
          keepSession(call.visit, outcome.token);
          return;
        case 'conflict':
          throw conflict('no second factor is enabled');
        case 'overtaken':
          throw overtaken();
        case 'wrong-code':
          throw wrongCode();
        case 'wrong':
        case 'held':
          throw unprovenProblem(outcome, wrongPassword());
      }
    },

    async cancelSecondFactorReset(call) {
      await resets.stopReset(call.caller, visitorOf(call));
    },

    async resetSecondFactor(call) {
      const { standing, member } = call;
      const organisation = standing.organisation.id;
      const outcome = await resets.vote(
        userOf(call.caller),
        { organisation, standing, member },
        visitorOf(call),
      );
      switch (outcome.kind) {
        case 'voted':
          return { votes: outcome.votes, done: outcome.done };
        case 'conflict':
          throw conflict('this person has no second factor, or is yourself');
        case 'more-than-own':
          throw new Problem(403, 'more-than-own', 'this person may do more than you');
        case 'alone':
          throw new Problem(
            403,
            'more-than-own',
            'this second factor protects more than your organisation: its owner can ask for the reset at login',
          );
      }
    },
  };
}

const conflict = (detail: string) => new Problem(409, 'conflict', detail);
