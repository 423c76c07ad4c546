import { alarmOperations } from './alarms.ts';
import { auditOperations, fleetOperations } from './audit.ts';
import { certificateOperations } from './certificates.ts';
import { credentialOperations } from './credentials.ts';
import { descriptionOperations } from './description.ts';
import { deviceOperations } from './devices.ts';
import { ledgerOperations } from './ledger.ts';
import { organisationOperations } from './organisations.ts';
import { profileOperations, sessionOperations } from './session.ts';
import { tokenOperations } from './tokens.ts';
import { unitOperations } from './units.ts';
import { updateOperations } from './updates.ts';
import { usageOperations } from './usage.ts';

/** Every operation of the REST API, by its id. There is no other route below `apiPrefix`. */
export const operations = {
  ...sessionOperations,
  ...profileOperations,
  ...organisationOperations,
  ...deviceOperations,
  ...credentialOperations,
  ...certificateOperations,
  ...unitOperations,
  ...ledgerOperations,
  ...tokenOperations,
  ...alarmOperations,
  ...auditOperations,
  ...fleetOperations,
  ...updateOperations,
  ...usageOperations,
  ...descriptionOperations,
} as const;

export type Operations = typeof operations;
export type OperationId = keyof Operations;

/** What every path of the table is below. */
export const apiPrefix = '/api/v1';
