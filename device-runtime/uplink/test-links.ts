import { jsonLog } from '@loadline/sdk/platform';
import * as assert from 'uvu/assert';
import { FarEnd, type FarEndOptions } from './far-end.ts';
import { connectLink, type Link, type LinkOptions } from './link.ts';
import { localServer, makeAuthority, makeHolder } from './test-fleet.ts';

const authority = await makeAuthority();
const server = await makeHolder(authority, 'cloud', localServer);
const gateway = await makeHolder(authority, 'mast-1', { profile: 'gateway' });

/** What every link here is made with. */
const linkOptions = {
  host: 'localhost',
  gatewayId: 'mast-1',
  epoch: 'e'.repeat(32),
  keepaliveSeconds: 10,
  authorityPem: authority.certificatePem,
  ...gateway,
  time: () => ({ kind: 'known', by: 'system', wall: Date.now(), uncertainty: 1 }) as const,
  monotonic: () => performance.now(),
  onMessage: () => {},
  log: jsonLog(() => {}, Date.now),
  signal: new AbortController().signal,
} satisfies Omit<LinkOptions, 'port'>;

/** For tests: a far end of the fleet that `linkOptions` belong to. */
export function openFarEnd(options: Partial<FarEndOptions> = {}): Promise<FarEnd> {
  return FarEnd.open({ server, authorityPem: authority.certificatePem, ...options });
}

/** For tests: a link to it. */
export function linkTo(farEnd: FarEnd, options: Partial<LinkOptions> = {}): Promise<Link> {
  return connectLink({ ...linkOptions, port: farEnd.port, ...options });
}

/** For tests: waits until something is so, half a minute at most. */
export async function until(condition: () => boolean, what = 'it'): Promise<void> {
  const limit = Date.now() + 30_000;
  while (!condition()) {
    assert.ok(Date.now() < limit, `waited 30 s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
