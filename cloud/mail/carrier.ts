import type { Envelope } from './compose.ts';
import type { MailKind } from './mail.ts';

/** Why a mail did not get on its way, and what to do about it. None of it is personal: it goes into the log. */
export interface Obstacle {
  readonly reason: keyof typeof obstacles;
  /** The server's reply code (RFC 5321). */
  readonly smtp?: number;
  /** The system's code, such as ECONNREFUSED. */
  readonly code?: string;
}

export const obstacles = {
  'not-reachable': 'check that host and port are right and that the server runs',
  'not-secure': "check security, and that the server's certificate is for this host and from the authority",
  'login-refused': 'check user and password_file',
  'password-file': 'make the password file readable for this user, and for nobody else',
  'refused-for-now': 'nothing: it is tried again',
  refused: 'look into the log of the mail server',
  'folder-not-writable': 'check the rights and the free space of the outbox folder',
} as const;

/** What became of handing a mail on. */
export type Outcome =
  /** Handed on; where that is a file, its name. */
  | { readonly kind: 'delivered'; readonly file?: string }
  /** This mail will never be taken. */
  | { readonly kind: 'refused'; readonly obstacle: Obstacle }
  /** Not now; `all` where no other mail would have been taken either. */
  | { readonly kind: 'later'; readonly obstacle: Obstacle; readonly all: boolean };

/** A way for mails to leave. */
export interface Carrier {
  /** Never rejects. `signal` ends an attempt that is under way. */
  deliver(
    mail: { readonly id: string; readonly kind: MailKind; readonly at: number; readonly envelope: Envelope },
    signal: AbortSignal,
  ): Promise<Outcome>;
  /** Deletes what it has kept of the mails to an address. Rejects where that cannot be done. */
  forget(address: string): Promise<void>;
}
