export { Enrolments } from './enrolments.ts';
export { makeFirstUser } from './first-user.ts';
export { Sessions } from './sessions.ts';
