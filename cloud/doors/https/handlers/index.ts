import type { Downlink } from '../../../downlink/index.ts';
import type { Enrolments } from '../../../people/index.ts';
import type { Directory } from '../../../router/index.ts';
import type { Store } from '../../../store/index.ts';
import type { Handlers } from '../call.ts';
import { aggregateHandlers } from './aggregates.ts';
import { alarmHandlers } from './alarms.ts';
import { applicationKeyHandlers } from './application-keys.ts';
import { applicationHandlers } from './applications.ts';
import { auditHandlers } from './audit.ts';
import { blockHandlers } from './blocks.ts';
import { certificateHandlers } from './certificates.ts';
import { consentHandlers } from './consents.ts';
import { customerHandlers } from './customers.ts';
import { departmentHandlers } from './departments.ts';
import { descriptionHandlers } from './description.ts';
import { deviceCredentialHandlers } from './device-credentials.ts';
import { deviceHandlers } from './devices.ts';
import { downlinkHandlers } from './downlink.ts';
import { eventHandlers } from './events.ts';
import { exportHandlers } from './export.ts';
import { fleetHandlers } from './fleet.ts';
import { grantHandlers } from './grants.ts';
import { ledgerHandlers } from './ledger.ts';
import { limitHandlers } from './limits.ts';
import { linkHandlers } from './links.ts';
import { liveHandlers } from './live.ts';
import { memberHandlers } from './members.ts';
import { organisationHandlers } from './organisations.ts';
import { profileHandlers } from './profile.ts';
import { releaseHandlers } from './releases.ts';
import { roleHandlers } from './roles.ts';
import { rolloutHandlers } from './rollouts.ts';
import { secondFactorHandlers } from './second-factor.ts';
import { seriesHandlers } from './series.ts';
import { sessionHandlers } from './session.ts';
import { setupHandlers } from './setup.ts';
import { tokenHandlers } from './tokens.ts';
import { unitHandlers } from './units.ts';
import { updateHandlers } from './updates.ts';
import { usageHandlers } from './usage.ts';

/** What the operations of the API are carried out by. */
export interface HandlerParts
  extends Parts<typeof sessionHandlers>,
    Parts<typeof setupHandlers>,
    Parts<typeof linkHandlers>,
    Parts<typeof liveHandlers>,
    Parts<typeof profileHandlers>,
    Parts<typeof consentHandlers>,
    Parts<typeof secondFactorHandlers>,
    Parts<typeof alarmHandlers>,
    Parts<typeof blockHandlers>,
    Parts<typeof organisationHandlers>,
    Parts<typeof memberHandlers>,
    Parts<typeof roleHandlers>,
    Parts<typeof departmentHandlers>,
    Parts<typeof customerHandlers>,
    Parts<typeof grantHandlers>,
    Parts<typeof seriesHandlers>,
    Parts<typeof fleetHandlers>,
    Parts<typeof tokenHandlers>,
    Parts<typeof applicationHandlers>,
    Parts<typeof limitHandlers>,
    Parts<typeof applicationKeyHandlers>,
    Parts<typeof deviceCredentialHandlers>,
    Parts<typeof certificateHandlers>,
    Parts<typeof unitHandlers>,
    Parts<typeof releaseHandlers>,
    Parts<typeof rolloutHandlers>,
    Parts<typeof updateHandlers>,
    Parts<typeof deviceHandlers> {
  readonly store: Store;
  readonly directory: Directory;
  readonly downlink: Downlink;
  readonly enrolments: Enrolments;
  readonly isConnected: (device: string) => boolean;
}

// biome-ignore lint/suspicious/noExplicitAny: what a function takes is asked of any function
type Parts<F extends (parts: any) => unknown> = Parameters<F>[0];

/** A handler for every operation of the table; and the function that ends what would not end by itself. */
export function allHandlers(parts: HandlerParts): { handlers: Handlers; beforeClose: () => Promise<void> } {
  const live = liveHandlers(parts);
  const handlers: Handlers = {
    ...setupHandlers(parts),
    ...sessionHandlers(parts),
    ...linkHandlers(parts),
    ...profileHandlers(parts),
    ...consentHandlers(parts),
    ...secondFactorHandlers(parts),
    ...organisationHandlers(parts),
    ...memberHandlers(parts),
    ...roleHandlers(parts),
    ...departmentHandlers(parts),
    ...customerHandlers(parts),
    ...grantHandlers(parts),
    ...deviceHandlers(parts),
    ...deviceCredentialHandlers(parts),
    ...certificateHandlers(parts),
    ...unitHandlers(parts),
    ...ledgerHandlers(parts),
    ...seriesHandlers(parts),
    ...aggregateHandlers(parts),
    ...exportHandlers(parts),
    ...eventHandlers(parts),
    ...downlinkHandlers(parts.downlink),
    ...live.handlers,
    ...tokenHandlers(parts),
    ...applicationHandlers(parts),
    ...applicationKeyHandlers(parts),
    ...alarmHandlers(parts),
    ...auditHandlers(parts.store),
    ...blockHandlers(parts),
    ...fleetHandlers(parts),
    ...releaseHandlers(parts),
    ...rolloutHandlers(parts),
    ...updateHandlers(parts),
    ...usageHandlers(parts),
    ...limitHandlers(parts),
    ...descriptionHandlers(),
  };
  return { handlers, beforeClose: live.endAll };
}
