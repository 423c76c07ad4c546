import type { Setup } from '../../../people/index.ts';
import type { Handlers } from '../call.ts';
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
        case 'weak':
          throw weakPassword(outcome.reason);
        case 'wrong':
        case 'held':
          throw unprovenProblem(outcome, wrongLogin());
      }
    },
  };
}
