export { type ReleaseStatus, Updates } from './updates.ts';
