export {
  type AuditEntry,
  type AuditParty,
  type AuditPersonal,
  type AuditRecord,
  type ChainPlace,
  entryHash,
  type Json,
  origin,
  personalHash,
} from './entry.ts';
export { type ExportVerdict, exportHeader, exportLine, verifyExport } from './export.ts';
export { ChainCheck, type ChainFault, type ChainSpan, type Verdict, verifyChain } from './verify.ts';
export { type Witness, witnessEvent, witnessesOf, witnessIn } from './witness.ts';
