export { frameLedger } from './ledger.ts';
export { SensorStage } from './stage.ts';
