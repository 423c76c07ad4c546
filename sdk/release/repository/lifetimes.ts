const day = 86_400_000;

/**
 * How long signatures hold, in milliseconds. What nobody renews ends: an attacker who shows gateways old metadata for ever
 * (a freeze) keeps them from a newer release no longer than this.
 *
 * - `root`: a ceremony every year, and one that is forgotten for a year harms nothing yet.
 * - `targets`: the release manager signs at each release, and else once in half a year.
 * - `snapshot`, `timestamp`: a cloud signs them by itself. A week is what a folder on a service man's laptop may be old, and
 *   what a cloud may be down, before updates (and nothing else) wait.
 */
export const lifetimes = {
  root: 730 * day,
  targets: 365 * day,
  snapshot: 14 * day,
  timestamp: 7 * day,
} as const;

/** An end as metadata has it: UTC, whole seconds (The Update Framework 1.0, section 4.2.1). */
export function expiryAt(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`;
}
