export { type AccountingVerdict, checkAccounting } from './accounting-archive.ts';
export { type AccountedSession, type AccountingRecord, type Counts, dayOf } from './accounting-commit.ts';
export type { RecordRow, RecordsQuery, UsageQuery, UsageRow } from './accounting-reads.ts';
export type { AlarmRow } from './alarm-reads.ts';
export {
  type ArchivedDelivery,
  type ArchivedReading,
  archivedDeliveries,
  archivedReadings,
} from './archive.ts';
export { type ChainVerdict, verifyAudit } from './audit-archive.ts';
export type { AuditDraft } from './audit-draft.ts';
export type { AuditPlace, AuditRow, ChainRow } from './audit-reads.ts';
export type { CertificateKeyRow, CertificateRow, IssuedCertificateRow } from './certificate-reads.ts';
export { type Step, step } from './change.ts';
export type { ChannelRow } from './channel-reads.ts';
export type { Aggregate } from './chunks/aggregate.ts';
export type { SeriesSpan } from './chunks/pages.ts';
export type { SeriesName } from './chunks/readings.ts';
export { physicalAt, type Readings, type StoredReading, storedReadingAt } from './chunks/readings.ts';
export type { CredentialRow } from './credential-reads.ts';
export { type DatabaseOptions, foldLog, opensWith, rekeyDatabase, takeFolder } from './database.ts';
export type { CredentialKind } from './device-schema.ts';
export type { CommandRow, DesiredRow } from './downlink-reads.ts';
export type { EventPlace, EventRow } from './event-reads.ts';
export { markFenced, readFleet } from './fence.ts';
export type { FleetRow } from './fleet-reads.ts';
export type { EndOfCertificate, IssuedFor } from './identity-schema.ts';
export { checkLedgers, type LedgerVerdict } from './ledger-check.ts';
export type { LedgerSums } from './ledger-reads.ts';
export type { MemberRow } from './member-reads.ts';
export { hasNumber } from './number-set.ts';
export type { AccountRow, GrantRow } from './operator-reads.ts';
export type {
  AdministrationRow,
  InvitationRow,
  MembershipRow,
  OrganisationRow,
  OwnRoleRow,
  StandingGrantRow,
} from './organisation-reads.ts';
export type { CopyAnswer, CopyQuestion } from './page-copy.ts';
export type { NamedRow } from './part-reads.ts';
export type { LinkRow, PersonalEntryRow, PersonRow, SessionRow } from './person-reads.ts';
export type { DeviceRow } from './reads.ts';
export type { RejectionRow } from './rejection-reads.ts';
export type { SeriesRetentionRow } from './retention-reads.ts';
export { eachFresh, type PlacedReading, type SeriesState } from './series-index.ts';
export { Store } from './store.ts';
export { type LedgerSum, type Survey, surveyDatabase } from './survey.ts';
export { type Timeline, wallTime } from './timeline.ts';
export type { ApiTokenRow, ApplicationKeyRow, ApplicationRow, HeldKeyRow } from './token-reads.ts';
export type { ProvisioningRow, UnitRow } from './unit-reads.ts';
export type {
  FleetUpdateRow,
  OfferRow,
  RolloutCounts,
  RolloutFailure,
  RolloutRow,
  RolloutWait,
  UpdateRow,
  UpdateSettingRow,
  UpdateStateRow,
} from './update-reads.ts';
export type { OfferState, Ring, RolloutState } from './update-schema.ts';
export type { DeliveryOutcome, DeliveryWrite, Outcome, Unnumbered } from './writes.ts';
