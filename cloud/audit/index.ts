export { AuditKeeper } from './keeper.ts';
export { exportStored, type StoredVerdict, verifyStored } from './stored.ts';
export { auditCommand } from './verify-command.ts';
