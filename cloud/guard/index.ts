export type { Alarm } from './alarms.ts';
export type { Block, UnblockedBy } from './block.ts';
export { deviceCookieSeconds } from './device-cookie.ts';
export { type Answer, type Attempt, Guard, type GuardOptions, type Permit, type Refusal } from './guard.ts';
export { sourceOf } from './source.ts';
export type { HashedSubject, Subject, SubjectKind } from './subject.ts';
