import { Secret } from '@loadline/sdk/platform';
import type { ConnectPacket } from 'aedes';

/** What a CONNECT without a certificate claims to be. */
export type Claim =
  /** It has neither user name nor password. */
  | { readonly kind: 'none' }
  /** What it has cannot be a key and a secret. */
  | { readonly kind: 'malformed' }
  | ({ readonly kind: 'application-key' } & ClaimedKey)
  | ({ readonly kind: 'device-key' } & ClaimedKey);

/** A key and its secret, as they are claimed. */
interface ClaimedKey {
  readonly key: string;
  readonly secret: Secret;
  /** Undefined where it is none that may be. */
  readonly clientId: string | undefined;
}

const keyPattern = /^(app|dev)_[A-Za-z0-9_-]{24}$/;
const secretPattern = /^[A-Za-z0-9_-]{43}$/;
const clientIdPattern = /^[A-Za-z0-9._-]{1,64}$/;

export function claimOf({ username, password, clientId }: ConnectPacket): Claim {
  if (username === undefined && password === undefined) return { kind: 'none' };
  const [key, secret] = [username ?? '', password?.toString('latin1') ?? ''];
  const [, of] = keyPattern.exec(key) ?? [];
  if (of === undefined || !secretPattern.test(secret)) return { kind: 'malformed' };
  const kind = of === 'app' ? 'application-key' : 'device-key';
  const held = clientIdPattern.test(clientId) ? clientId : undefined;
  return { kind, key, secret: new Secret(secret), clientId: held };
}

/**
 * What the broker is to know a link by. It ends an older one of the same name: nobody with a key may have the name of a
 * gateway, nor of another key's link.
 */
export function brokerId(claim: Claim): string {
  return 'key' in claim ? `${claim.key}:${claim.clientId ?? ''}` : ':';
}
