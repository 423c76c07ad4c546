/** What is known of the wall time at an instant, in milliseconds since 1970. */
export type Time =
  /** Somebody vouches for it: the system's own synchronisation, or the cloud. */
  | {
      readonly kind: 'known';
      readonly by: 'system' | 'cloud';
      readonly wall: number;
      /** How far it may be off, in milliseconds. */
      readonly uncertainty: number;
    }
  /** Nobody does. It was later than this before, and so it is now. */
  | { readonly kind: 'at-least'; readonly wall: number };
