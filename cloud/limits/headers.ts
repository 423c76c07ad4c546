import type { Limited, Standing } from './gauge.ts';

/**
 * `RateLimit` and `RateLimit-Policy` of an answer (draft-ietf-httpapi-ratelimit-headers-10): the limit that leaves least,
 * `q` in `w` seconds, of which `r` are left, all of them again in `t` seconds.
 */
export function rateLimitHeaders(standing: Standing | undefined): Record<string, string> {
  if (standing === undefined) return {};
  const { policy, quota, windowSeconds, remaining, resetSeconds } = standing;
  return {
    'ratelimit-policy': `"${policy}";q=${quota};w=${windowSeconds}`,
    ratelimit: `"${policy}";r=${remaining};t=${resetSeconds}`,
  };
}

/** What to say to a person or a program of what was put off. */
export function limitedDetail({ code, policy, retryAfterSeconds }: Limited): string {
  const what = {
    'rate-limited': 'more came than may at a time',
    'quota-exceeded': 'what may be used is used up',
    'too-many-connections': 'as many connections are open, or were begun, as may',
  }[code];
  return `${what} (${policy}): try again in ${retryAfterSeconds} s`;
}
