import type { Principal } from '../access/index.ts';

/** Whose session it is. A gateway is a device. */
export interface Subject {
  readonly kind: 'device' | 'application' | 'user' | 'token';
  readonly id: string;
  /** Empty where it is of none: a person at what is his own, or at what is the fleet's. */
  readonly organisation: string;
  /** Id of what proved it: an application's key, a person's session; null for a certificate. */
  readonly credential: string | null;
  /** The person behind it, with whom the address it came from is erased. */
  readonly person: string | null;
}

/** The subject of a principal's session; `organisation`: where a person is at work, empty for none. */
export function subjectOf(principal: Principal, organisation: string): Subject {
  switch (principal.kind) {
    case 'gateway':
      return {
        ...{ kind: 'device', id: principal.id, organisation: principal.organisation.id },
        ...{ credential: null, person: null },
      };
    case 'device':
      return {
        ...{ kind: 'device', id: principal.id, organisation: principal.organisation.id },
        ...{ credential: principal.credential, person: null },
      };
    case 'user':
      return {
        ...{ kind: 'user', id: principal.id, organisation },
        ...{ credential: principal.session, person: principal.id },
      };
    case 'token':
      return {
        ...{ kind: 'token', id: principal.id, organisation: principal.standing.organisation.id },
        ...{ credential: null, person: principal.creator },
      };
    case 'application-key':
      return {
        ...{ kind: 'application', id: principal.application },
        ...{ organisation: principal.standing.organisation.id, credential: principal.id, person: null },
      };
  }
}
