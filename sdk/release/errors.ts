/** What can be wrong with a release, and with what vouches for it. A code is never reused with another meaning. */
export const releaseCodes = {
  'manifest-malformed': 'the manifest is not what the release format says',
  'metadata-refused':
    'the signed metadata does not hold: a signature, a version, a length or a digest is wrong',
  'metadata-expired': 'the signed metadata is older than it may be: nobody vouches for it any more',
  'time-untrusted': 'it is not known well enough what time it is to judge metadata by',
  'release-unknown': 'nobody signed a release of this version for this target',
  'release-too-old': 'the release is older than the oldest that the release manager lets gateways take',
  'file-refused': 'a file is not what the manifest says: its length or its digest is another',
  'source-failed': 'what was asked for did not come: the link, or the server behind it, failed',
  'storage-failed': 'the disk does not take it',
} as const;
export type ReleaseCode = keyof typeof releaseCodes;

/** A release, or something on its way, was refused. The message says what was wrong, where, and what to do. */
export class ReleaseError extends Error {
  override readonly name = 'ReleaseError';
  readonly code: ReleaseCode;

  constructor(code: ReleaseCode, message: string) {
    super(message);
    this.code = code;
  }
}
