import {
  deviceScopes,
  type GatewayScope,
  gatewayScopes,
  type OrganisationScope,
  type Scope,
} from '@loadline/sdk/api';
import type { Code } from '@loadline/sdk/contract';
import type { Organisation, Principal, Standing } from './principal.ts';
import { type Resource, reachesCustomer, reachesDevice, reachesMember, reachesTag } from './resource.ts';

export type Decision =
  | { readonly allowed: true }
  | {
      readonly allowed: false;
      readonly code: Extract<Code, 'forbidden' | 'not-found' | 'topic-forbidden' | 'second-factor-required'>;
    };

const allowed: Decision = { allowed: true };
const notFound: Decision = { allowed: false, code: 'not-found' };

/**
 * May this principal do this to that? The one place where it is decided.
 *
 * What lies in another organisation, or out of reach, is answered as if it did not exist. A gateway, and any other device,
 * speaks for itself only.
 */
export function may(principal: Principal, scope: Scope, resource: Resource): Decision {
  if (principal.kind === 'gateway') return ownMay(principal, gatewayScopes, scope, resource);
  if (principal.kind === 'device') return ownMay(principal, deviceScopes, scope, resource);
  if (principal.kind === 'user' && principal.pending) return refusal('second-factor-required');
  if (resource.of === 'fleet') {
    const fleet: ReadonlySet<Scope> = principal.kind === 'user' ? principal.fleet : new Set();
    return fleet.has(scope) ? allowed : refusal('forbidden');
  }
  const standing = standingIn(principal, resource.organisation);
  if (standing === undefined) return notFound;
  if (standing.withheld !== null) return refusal(standing.withheld);
  if (!reaches(standing, resource)) return notFound;
  return standing.scopes.has(scope as OrganisationScope) ? allowed : refusal('forbidden');
}

/** What a person or program is in an organisation; undefined where nothing. */
export function standingIn(
  principal: Exclude<Principal, { kind: 'gateway' | 'device' }>,
  { id }: Organisation,
): Standing | undefined {
  if (principal.kind === 'user') return principal.standings.get(id);
  return principal.standing.organisation.id === id ? principal.standing : undefined;
}

function ownMay(
  principal: Extract<Principal, { kind: 'gateway' | 'device' }>,
  scopes: readonly GatewayScope[],
  scope: Scope,
  resource: Resource,
): Decision {
  if (resource.of === 'fleet' || resource.organisation.id !== principal.organisation.id) return notFound;
  const own = resource.of === 'device' && resource.device.id === principal.id;
  return own && scopes.includes(scope as GatewayScope) ? allowed : refusal('topic-forbidden');
}

function reaches({ reach }: Standing, resource: Exclude<Resource, { of: 'fleet' }>): boolean {
  switch (resource.of) {
    case 'organisation':
      return true;
    case 'device':
      return (
        reachesDevice(reach, resource.device) &&
        (resource.tag === undefined || reachesTag(reach, resource.tag))
      );
    case 'member':
      return reachesMember(reach, resource.member);
    case 'customer':
      return reachesCustomer(reach, resource.customer);
  }
}

function refusal(code: Extract<Decision, { allowed: false }>['code']): Decision {
  return { allowed: false, code };
}
