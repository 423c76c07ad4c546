import type { Code } from '@loadline/sdk/contract';
import { type Role, roles, type Scope } from './scopes.ts';

/** Whose readings, gateways and people these are: a hard wall. */
export interface Organisation {
  readonly id: string;
}

/** Who asks: proven by a certificate at the MQTT door, by a session at the HTTPS door. */
export type Principal =
  | { readonly kind: 'gateway'; readonly id: string; readonly organisation: Organisation }
  | {
      readonly kind: 'user';
      readonly name: string;
      readonly role: Extract<Role, 'administrator'>;
      readonly organisation: Organisation;
    };

/** What is asked for: something of an organisation, and where it is one gateway's, of which. */
export interface Resource {
  readonly organisation: Organisation;
  readonly gateway?: string;
}

export type Decision =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly code: Extract<Code, 'forbidden' | 'not-found' | 'topic-forbidden'> };

const allowed: Decision = { allowed: true };

/**
 * May this principal do this to that? The one place where it is decided.
 *
 * What lies in another organisation is answered as if it did not exist. A gateway speaks for itself only.
 */
export function may(principal: Principal, scope: Scope, resource: Resource): Decision {
  if (principal.organisation.id !== resource.organisation.id) return { allowed: false, code: 'not-found' };
  switch (principal.kind) {
    case 'gateway': {
      const own = resource.gateway === principal.id;
      return own && grants('gateway', scope) ? allowed : { allowed: false, code: 'topic-forbidden' };
    }
    case 'user':
      return grants(principal.role, scope) ? allowed : { allowed: false, code: 'forbidden' };
  }
}

function grants(role: Role, scope: Scope): boolean {
  return (roles[role] as readonly Scope[]).includes(scope);
}
