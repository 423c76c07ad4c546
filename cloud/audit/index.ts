export { type Authentication, Authentications } from './authentications.ts';
export { AuditKeeper } from './keeper.ts';
export { exportStored, verifyStored } from './stored.ts';
export { auditCommand } from './verify-command.ts';
