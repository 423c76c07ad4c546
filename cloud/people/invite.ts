/** Tells somebody by mail that he has been taken in somewhere. */
export type Invite = (invitation: Invitation) => Promise<void>;

export interface Invitation {
  /**
   * `set-password`: a new person, who gets a link to choose a password by, and the links before it end; `taken-in`:
   * one who can log in already, who is told, and gets no link.
   */
  readonly kind: 'set-password' | 'taken-in';
  readonly person: { readonly id: string; readonly email: string; readonly name: string };
  /** Where to; null for the fleet, as an operator. */
  readonly organisation: { readonly id: string; readonly name: string } | null;
  /** Opaque id of the person who did it. */
  readonly by: string;
}
