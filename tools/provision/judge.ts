import { CloudError, UnreachableError } from '@loadline/sdk/client';
import type { Code } from '@loadline/sdk/contract';
import { GatewayRefusal, LineLost } from './line.ts';
import { type Outcome, ProvisionFailure } from './outcome.ts';
import { actsOnCodes, actsOnRefusals } from './words.ts';

/** What an error means: how it ends, why, and what to do. */
export function judge(error: unknown): {
  outcome: Outcome;
  code: string | null;
  says: string;
  act: string;
} {
  if (error instanceof ProvisionFailure) {
    const { outcome, code, message, act } = error;
    return { outcome, code, says: message, act };
  }
  if (error instanceof GatewayRefusal) {
    const { code, message, act } = error;
    return { outcome: 'refused-by-gateway', code, says: message, act: act || actsOnRefusals[code] };
  }
  if (error instanceof LineLost) {
    return {
      outcome: 'failed',
      code: null,
      says: error.message,
      act: 'check the cable and the power, and run it again: it takes up what is there',
    };
  }
  if (error instanceof UnreachableError) {
    return {
      outcome: 'no-cloud',
      code: null,
      says: error.message,
      act: 'check this machine’s network, or take a kit: loadline provision prepare',
    };
  }
  if (error instanceof CloudError) {
    const { code, message, status } = error;
    const act = actsOnCodes[code as Code] ?? 'see docs/api.md for this refusal';
    return { outcome: status === 401 ? 'no-cloud' : 'refused-by-cloud', code, says: message, act };
  }
  return { outcome: 'failed', code: null, says: (error as Error).message, act: 'run it again' };
}
