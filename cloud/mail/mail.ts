/** Whom a mail is for, or whom it speaks of. */
export interface Person {
  /** Mail address: local part, `@` and a domain in ASCII (an internationalised one as punycode). */
  readonly address: string;
  /** As the person calls himself: not to be trusted in any way. */
  readonly name?: string;
}

/** What a mail says. Times are in ms since 1970; a `source` is the network address somebody came from. */
export type MailContent =
  /** A new user is to choose a password. `secret` opens the page that does it, once, until `validUntil`. */
  | {
      readonly kind: 'invitation';
      /** Null for the fleet, as one of its operators. */
      readonly organisation: string | null;
      readonly invitedBy: Person;
      readonly secret: string;
      readonly validUntil: number;
    }
  /** Who has an account already is something in another organisation too, or, null, a fleet operator. */
  | { readonly kind: 'taken-in'; readonly organisation: string | null; readonly invitedBy: Person }
  /** Somebody asked for a new password. */
  | {
      readonly kind: 'password-reset';
      readonly source: string;
      readonly secret: string;
      readonly validUntil: number;
    }
  | { readonly kind: 'password-changed'; readonly at: number; readonly source: string }
  | { readonly kind: 'second-factor-enabled'; readonly at: number; readonly source: string }
  | { readonly kind: 'second-factor-disabled'; readonly at: number; readonly source: string }
  | { readonly kind: 'recovery-codes-renewed'; readonly at: number; readonly source: string }
  /** Somebody signed in by a recovery code; `left` of them are good still. */
  | {
      readonly kind: 'recovery-code-used';
      readonly at: number;
      readonly source: string;
      readonly left: number;
    }
  /** The second factor will be taken off at `takesEffect`, unless its owner spends `secret` to stop it. */
  | {
      readonly kind: 'second-factor-reset-requested';
      readonly at: number;
      readonly source: string;
      readonly takesEffect: number;
      readonly secret: string;
    }
  /** An administrator voted to take it off: another one's vote does it, unless its owner spends `secret` to stop it. */
  | {
      readonly kind: 'second-factor-vote';
      readonly organisation: string;
      readonly at: number;
      readonly validUntil: number;
      readonly secret: string;
    }
  | { readonly kind: 'second-factor-reset'; readonly at: number }
  /** A sign-in from a device that the account has not been used on; `device` is what its browser says it is. */
  | {
      readonly kind: 'new-sign-in';
      readonly at: number;
      readonly source: string;
      readonly device: string;
    }
  /** To administrators: somebody tries one credential after the other. */
  | {
      readonly kind: 'guessing-alarm';
      /** Null where no organisation can be told from what is tried. */
      readonly organisation: string | null;
      readonly what: GuessedThing;
      /** The account, token name or gateway that is tried; null where they are many, or none that there is. */
      readonly account: string | null;
      readonly since: number;
      readonly at: number;
      readonly attempts: number;
      /** Network addresses, ten at most. */
      readonly sources: readonly string[];
      /** How many sources there are in all. */
      readonly sourceCount: number;
    }
  /** To administrators: one identity of a gateway is shown by two. */
  | {
      readonly kind: 'identity-cloned';
      readonly organisation: string;
      readonly device: string;
      /** What people call it. */
      readonly deviceName: string;
      readonly since: number;
      readonly at: number;
      readonly times: number;
      /** Network addresses that they came from. */
      readonly sources: readonly string[];
    }
  /** To fleet operators: what a release did to gateways halted its rollout. */
  | {
      readonly kind: 'rollout-halted';
      readonly release: string;
      readonly target: string;
      /** When it was begun. */
      readonly since: number;
      readonly at: number;
      /** In words. */
      readonly reason: string;
    }
  /** Goes to the old address and to the new one. */
  | {
      readonly kind: 'address-changed';
      readonly at: number;
      readonly source: string;
      readonly newAddress: string;
    }
  | { readonly kind: 'account-erased'; readonly at: number };

/** What somebody may be guessing. */
export type GuessedThing =
  | 'password'
  | 'second-factor'
  | 'api-token'
  | 'application-key'
  | 'gateway-credential'
  | 'pin';

export type MailKind = MailContent['kind'];

/** A mail before it is written. */
export type Mail = MailContent & { readonly to: Person };

/** The content of one kind. */
export type MailOf<Kind extends MailKind> = Extract<MailContent, { readonly kind: Kind }>;
