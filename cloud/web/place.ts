/** What a link that came by mail, or that the first start printed, is for. */
const purposes = ['setup', 'set-password', 'reset-password', 'keep-second-factor'] as const;

export type Purpose = (typeof purposes)[number];

/** A one-time link: its secret stands in the fragment, which no server and no log sees. */
export interface OneTimeLink {
  readonly purpose: Purpose;
  readonly secret: string;
}

/** Where in the page somebody is, as the fragment of the address says it. */
export type Place =
  | { readonly kind: 'link'; readonly link: OneTimeLink }
  | { readonly kind: 'home' }
  | { readonly kind: 'profile' }
  /** `view` is empty for the dashboard; `item` is what a view shows of it. */
  | {
      readonly kind: 'organisation';
      readonly organisation: string;
      readonly view: string;
      readonly item: string;
    }
  | { readonly kind: 'fleet'; readonly view: string };

/** Reads the fragment of an address, with its `#` or without. What nobody knows is home. */
export function parsePlace(fragment: string): Place {
  const text = fragment.replace(/^#/, '');
  const link = parseLink(text);
  if (link !== undefined) return { kind: 'link', link };
  const [root, first, ...rest] = text.split('/').slice(1).map(decoded);
  if (!text.startsWith('/')) return { kind: 'home' };
  switch (root) {
    case 'profile':
      return { kind: 'profile' };
    case 'fleet':
      return { kind: 'fleet', view: first ?? '' };
    case 'o':
      if (first === undefined || first === '') return { kind: 'home' };
      return { kind: 'organisation', organisation: first, view: rest[0] ?? '', item: rest[1] ?? '' };
    default:
      return { kind: 'home' };
  }
}

/** The fragment that leads to a view of an organisation, with its `#`. */
export function organisationHref(organisation: string, view = '', item = ''): string {
  return `#/${['o', organisation, view, item]
    .filter((part) => part !== '')
    .map(encodeURIComponent)
    .join('/')}`;
}

/** The fragment that leads to a view of the fleet, with its `#`. */
export function fleetHref(view: string): string {
  return `#/fleet/${encodeURIComponent(view)}`;
}

export const profileHref = '#/profile';
export const homeHref = '#/';

function parseLink(text: string): OneTimeLink | undefined {
  const at = text.indexOf('=');
  const purpose = purposes.find((one) => one === text.slice(0, at));
  if (purpose === undefined) return undefined;
  return { purpose, secret: decoded(text.slice(at + 1)) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
