export { fetchRelease, NoRoom } from './fetch-release.ts';
export { UpdateMemory } from './memory.ts';
export type { ByteStream, ReleaseSource } from './release-source.ts';
export { wentBack } from './result.ts';
export { type ReleaseStatus, Updates } from './updates.ts';
