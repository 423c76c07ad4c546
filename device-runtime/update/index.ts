export { readOffer } from './offer.ts';
export { openBelow, type ReleaseSource, stagedFolder } from './release-source.ts';
export { type MetadataFile, type TrustedManifest, TrustedReleases, type TrustOptions } from './trusted.ts';
