/** Names of parameters that say themselves that a secret follows, without hyphens and underscores. */
const secretNames: ReadonlySet<string> = new Set([
  'token',
  'auth',
  'authtoken',
  'xauthtoken',
  'accesstoken',
  'devicetoken',
  'authorization',
  'bearer',
  'jwt',
  'key',
  'apikey',
  'xapikey',
  'accesskey',
  'apitoken',
  'secret',
  'clientsecret',
  'password',
  'passwd',
  'pwd',
  'credential',
  'credentials',
]);

/** A token of this cloud, or any run that is as long as one and mixes letters and digits as one does. */
const tokenForm =
  /\bll[a-z]_[A-Za-z0-9_-]{16,}|(?=[A-Za-z0-9_-]*\d)(?=[A-Za-z0-9_-]*[A-Za-z])[A-Za-z0-9_-]{40,}/;

/**
 * Whether the target of a request holds what looks like a secret: a segment or value in the form of a token, or a parameter
 * whose name says so. Addresses are kept by proxies, browsers and logs on the way, headers mostly not.
 *
 * @param target path and query as they came
 */
export function holdsSecret(target: string): boolean {
  // Twice: what is escaped once more is a token all the same.
  if (tokenForm.test(decoded(decoded(target)))) return true;
  const query = target.indexOf('?');
  if (query < 0) return false;
  return target
    .slice(query + 1)
    .split(/[&;]/)
    .some((pair) => {
      const name = decoded(pair.split('=', 1)[0] ?? '');
      return secretNames.has(name.toLowerCase().replaceAll(/[^a-z]/g, ''));
    });
}

/** Percent-decoded as far as it can be. */
function decoded(text: string): string {
  return text.replaceAll(/%([0-7][0-9A-Fa-f])/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
