/** What a link of a mail opens: the page reads it, and the secret behind it, from the fragment of its address. */
export type LinkAction = 'set-password' | 'reset-password' | 'keep-second-factor';

/** The page that people use, as links lead to it. */
export class Page {
  /** `https://host` or `https://host:port`. */
  readonly address: string;
  /** The host alone. */
  readonly host: string;

  /**
   * @param address where the page is for its users. It comes from the configuration, never from a request: who asks
   *   for a link must not be able to say where it leads.
   * @throws TypeError where it is not the bare address of an https page
   */
  constructor(address: string) {
    const url = URL.parse(address);
    if (url?.protocol !== 'https:' || url.href !== `${url.origin}/`) {
      throw new TypeError(`${address}: not the address of a page; give https://host or https://host:port`);
    }
    this.address = url.origin;
    this.host = url.hostname;
  }

  /** A link with a secret in its fragment, which no server and no log on the way sees. */
  link(action: LinkAction, secret: string): string {
    return `${this.address}/#${action}=${encodeURIComponent(secret)}`;
  }
}
