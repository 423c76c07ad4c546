export { fetchRelease, NoRoom } from './fetch-release.ts';
export { UpdateMemory } from './memory.ts';
export type { ByteStream, ReleaseSource } from './release-source.ts';
export type { ReleaseStatus } from './reports.ts';
export { wentBack } from './result.ts';
export { Updates } from './updates.ts';
