export { Enrolments } from './enrolments.ts';
export { makeFirstUser } from './first-user.ts';
export { type Member, Members } from './members.ts';
export { Sessions } from './sessions.ts';
