export type { Alarm } from './alarms.ts';
export type { Block, UnblockedBy } from './block.ts';
export { deviceCookieSeconds } from './device-cookie.ts';
export { Guard, type GuardOptions, type Permit } from './guard.ts';
export { Pauses } from './pauses.ts';
export { sourceOf } from './source.ts';
export type { HashedSubject, Subject, SubjectKind } from './subject.ts';
