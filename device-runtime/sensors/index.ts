export { frameLedger } from './ledger.ts';
export { type ResetOutcome, SensorStage } from './stage.ts';
