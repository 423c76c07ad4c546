import * as z from 'zod';

/**
 * What others typed, made fit to stand in a sentence or a header: names of people and organisations, addresses,
 * what a browser says it is. Whoever may name an organisation must not be able to write our mails.
 */

/** Longest piece of foreign text, in characters. */
const mostCharacters = 120;

/**
 * Line breaks, control characters, and what is invisible or turns the direction of the text around it (Unicode's
 * categories Cc, Cf, Zl, Zp, and surrogates that stand alone): replaced by spaces.
 */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu;

/**
 * One line of visible text, at most 120 characters of it. It does not begin an encoded word (RFC 2047) either, which
 * many programs decode in quoted strings too, where it has no business, and could find a line break in.
 */
export function plain(text: string): string {
  const line = text.replace(unprintable, ' ').replace(/\s+/gu, ' ').replaceAll('=?', '= ?').trim();
  const characters = [...line];
  return characters.length <= mostCharacters ? line : `${characters.slice(0, mostCharacters - 1).join('')}…`;
}

/**
 * A name somebody chose. No mail program finds a link in it: whoever may invite could otherwise send links of his own
 * choice in our name. It also cannot close the quotation marks around it.
 */
export function name(text: string): string {
  return plain(
    plain(text)
      .replace(/:?[/\\]{2,}/gu, ' ')
      .replace(/([.。．｡@])(?=\S)/gu, '$1 ')
      .replace(/["“”„‟«»]/gu, "'"),
  );
}

/** A person by name and address, or by address alone. */
export function person(who: { readonly address: string; readonly name?: string }): string {
  const called = who.name === undefined ? '' : name(who.name);
  return called === '' ? plain(who.address) : `${called} (${plain(who.address)})`;
}

const dateFormat = new Intl.DateTimeFormat('en-GB', {
  dateStyle: 'long',
  timeStyle: 'short',
  timeZone: 'UTC',
});

/** A time (ms since 1970) in words: `22 November 2026 at 14:30 UTC`. */
export function time(at: number): string {
  return `${dateFormat.format(at)} UTC`;
}

const address = z.email().max(254);

/** Whether a mail can be addressed to this: one address, in ASCII, and nothing else. */
export function isMailAddress(text: string): boolean {
  return address.safeParse(text).success && text.lastIndexOf('@') <= 64;
}
