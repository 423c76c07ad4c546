export { OtherPlace } from './blobs.ts';
export {
  type OnlineRole,
  onlineKeysFile,
  onlineRoles,
  readOnlineKeys,
  resealOnlineKeys,
  rotateOnlineKeys,
} from './online-keys.ts';
export { type KeptRelease, Releases, type RepositoryFile } from './releases.ts';
