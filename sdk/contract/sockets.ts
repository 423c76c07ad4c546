/** What an organisation lets in over sockets, each a step further: nothing is in clear by mistake. */
export const socketPolicies = ['off', 'tls', 'signed', 'all'] as const;

/**
 * `off` nothing; `tls` over TLS; `signed` besides, signed lines over TCP and UDP; `all` besides, lines with a token over TCP
 * and UDP: whoever listens on the way has the token then.
 */
export type SocketPolicy = (typeof socketPolicies)[number];

export type SocketTransport = 'tls' | 'tcp' | 'udp';

/** Whether a line of this form may come by this transport. */
export function admits(policy: SocketPolicy, transport: SocketTransport, form: 'token' | 'signed'): boolean {
  switch (policy) {
    case 'off':
      return false;
    case 'tls':
      return transport === 'tls';
    case 'signed':
      return transport === 'tls' || form === 'signed';
    case 'all':
      return true;
  }
}
