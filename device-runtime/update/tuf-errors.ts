import { ReleaseError } from '@loadline/sdk/release';
import type { TufFetcher } from './tuf-fetcher.ts';

/**
 * What went wrong in tuf-js, in terms of releases. For snapshots and targets it keeps no more of an error than its text, so
 * it is the text that is looked at. Names and texts out of metadata are somebody else's: they are cut, and printable.
 */
export function inReleaseTerms(error: unknown, fetcher: TufFetcher): ReleaseError {
  if (error instanceof ReleaseError) return error;
  if (fetcher.failure !== undefined) return fetcher.failure;
  const text = (error instanceof Error ? error.message : String(error)).replace(
    /^Unable to load \w+( metadata)? error (\w*Error: )?/,
    '',
  );
  if (/ is expired$/.test(text)) {
    return new ReleaseError(
      'metadata-expired',
      `${text.replace('Final ', '')}: nobody vouches that this is the newest, so nothing of it is taken until whoever keeps the repository renews it`,
    );
  }
  // What a parser says quotes what it read.
  const reason = error instanceof SyntaxError || /SyntaxError/.test(String(error)) ? 'it is no JSON' : text;
  const said = reason.replace(/[^\x20-\x7e]/g, '?').slice(0, 200);
  return new ReleaseError('metadata-refused', `${fetcher.asked} does not hold: ${said}`);
}
