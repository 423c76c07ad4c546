import type { Reply } from '@loadline/sdk/provisioning';
import type { AgentOptions } from './agent.ts';
import { said, stateOf } from './in-force.ts';
import { certificatesIn, fingerprintOf } from './voucher.ts';

/** What a gateway says of itself to whoever has the cable. @param nonce of the session */
export async function describe(
  { store, board, work, makerPem }: Pick<AgentOptions, 'store' | 'board' | 'work' | 'makerPem'>,
  nonce: string,
): Promise<Reply<'describe'>> {
  const { ownership, inForce } = store;
  const present = await said(store);
  const certificate = present?.certificate;
  const who = inForce && { id: inForce.gatewayId, organisation: inForce.organisation };
  const known = who ?? ownership.gateway;
  const { facts, interfaces, ports, clock } = await board.look();
  return {
    protocol: 1,
    ...facts,
    state: stateOf(present),
    gateway: known && {
      ...known,
      fingerprint: certificate === undefined ? null : fingerprintOf(certificate),
      expires: certificate?.validToDate.getTime() ?? null,
    },
    inForce: present?.inForce ?? null,
    ownershipCounter: ownership.counter,
    nonce,
    maker: certificatesIn(makerPem).map(fingerprintOf),
    interfaces,
    ports,
    undelivered: await work.undelivered(),
    clock,
  };
}
