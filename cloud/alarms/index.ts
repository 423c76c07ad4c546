export { type Alarm, Alarms, type Occurrence, siblings } from './alarms.ts';
export { describeAlarm } from './words.ts';
