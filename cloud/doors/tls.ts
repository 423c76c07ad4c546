import { constants } from 'node:crypto';
import type { ServerIdentity } from '../authority/index.ts';

/** What both doors speak of TLS. */
const doorTls = {
  minVersion: 'TLSv1.2',
  /** Who a client is, is settled once a connection; Node itself would allow a few renegotiations of TLS 1.2. */
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  /**
   * The suites, the strongest first: authenticated encryption with a key that is forgotten after the connection, and
   * nothing else (RFC 9325, section 4.2). Node's own list has CBC and key transport by RSA besides.
   */
  ciphers: [
    'TLS_AES_256_GCM_SHA384',
    'TLS_CHACHA20_POLY1305_SHA256',
    'TLS_AES_128_GCM_SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
    'ECDHE-RSA-CHACHA20-POLY1305',
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES128-GCM-SHA256',
  ].join(':'),
} as const;

/**
 * The key and certificate of a TLS server, with what it speaks: at its start, and when they are renewed. A session begun at
 * one door is none at another, where certificates may be asked for.
 */
export function serverTls(
  { privateKeyPem, certificatePem }: ServerIdentity,
  door: 'mqtt' | 'https' | 'https-asking' | 'socket' | 'fenced',
) {
  return { key: privateKeyPem, cert: certificatePem, sessionIdContext: door, ...doorTls };
}
