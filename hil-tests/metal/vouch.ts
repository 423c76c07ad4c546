import { readFileSync } from 'node:fs';
import { CloudClient } from '@loadline/sdk/client';
import { MetalError } from './errors.ts';

/** Has a voucher made for a board, by which its gateway knows its owner; CMS, base64. */
export type Vouch = (board: {
  readonly serialNumber: string;
  /** Of the session. */
  readonly nonce: string;
  /** How often the board was given to an owner. */
  readonly counter: number;
}) => Promise<string>;

/**
 * Vouchers of the cloud that the environment names as `loadline provision` has it: LOADLINE_URL, LOADLINE_TOKEN, and
 * LOADLINE_AUTHORITY (a file) where it has an authority of its own. Undefined where it names none. A board that was
 * nobody's is the organisation's from its first voucher on.
 *
 * @throws MetalError `option` where the environment cannot be used
 */
export function vouchFrom(environment: Readonly<Record<string, string | undefined>>): Vouch | undefined {
  const { LOADLINE_URL: url, LOADLINE_TOKEN: token, LOADLINE_AUTHORITY: authority } = environment;
  if (!url || !token) return undefined;
  let client: CloudClient;
  try {
    const trust = authority ? { authorityPem: readFileSync(authority, 'utf8') } : {};
    client = new CloudClient({ url, token: token.trim(), ...trust });
  } catch (cause) {
    throw new MetalError(
      'option',
      `no voucher can be had: ${(cause as Error).message}`,
      'see to LOADLINE_URL and LOADLINE_AUTHORITY',
      { cause },
    );
  }
  return async (body) => {
    const caller = await client.getCaller();
    const standings = caller.kind === 'token' ? [caller.standing] : caller.standings;
    const [standing] = standings;
    if (standing === undefined)
      throw new MetalError('not-owner', 'the token is in no organisation', 'take another');
    return (await client.organisation(standing.organisation.id).createVoucher({ body })).voucher;
  };
}
