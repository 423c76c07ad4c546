import type { Setup } from '../../../people/index.ts';
import type { Handlers } from '../call.ts';
import { Problem } from '../problem.ts';
import { badLink, unprovenProblem, visitorOf, weakPassword, wrongLogin } from './visitor.ts';

/** The first run. */
export function setupHandlers({ setup }: { setup: Setup }): Pick<Handlers, 'setUp'> {
  return {
    async setUp(call) {
      const outcome = await setup.setUp(call.input.body, visitorOf(call));
      switch (outcome.kind) {
        case 'set-up':
          return;
        case 'bad-link':
          throw badLink();
        case 'taken':
          throw new Problem(409, 'conflict', 'body/organisation/id: it cannot be had, choose another');
        case 'weak':
          throw weakPassword(outcome.reason);
        case 'wrong':
        case 'held':
          throw unprovenProblem(outcome, wrongLogin());
      }
    },
  };
}
