// For tools that judge a repository as a gateway does.
export { repositoryFolder } from './release-source.ts';
export { TrustedReleases } from './trusted.ts';
