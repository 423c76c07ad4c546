import type { Authority } from '../authority/index.ts';
import type { CredentialDesk } from '../devices/index.ts';
import type { IssuanceRecorder } from '../issuance.ts';
import type { Directory } from '../router/index.ts';
import type { Store } from '../store/index.ts';
import { Provisionings } from './provisionings.ts';
import { Retirement } from './retirement.ts';
import { TechnicianCertificates } from './technician-certificates.ts';
import { Units } from './units.ts';

export type { Provisionings } from './provisionings.ts';
export type { Retirement } from './retirement.ts';
export type { TechnicianCertificates } from './technician-certificates.ts';
export { counterAhead, type Unit, type Units } from './units.ts';

/** What is done with the boards that gateways run on, and with gateways on site, put together. `now`: ms since 1970. */
export function openUnits(parts: {
  store: Store;
  directory: Directory;
  credentials: CredentialDesk;
  authority: Authority;
  recordIssuance: IssuanceRecorder;
  now: () => number;
}) {
  const { authority } = parts;
  const retirement = new Retirement(parts);
  return {
    retirement,
    units: new Units({ ...parts, retirement }),
    provisionings: new Provisionings({ ...parts, rootsPem: () => authority.rootsPem }),
    technicianCertificates: new TechnicianCertificates(parts),
  };
}
