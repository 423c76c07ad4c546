import type { InputOf, Operations } from '@loadline/sdk/api';
import type { Secret } from '../parts/shown-once.tsx';

export type CredentialKind = InputOf<Operations['createDeviceCredential']>['body']['kind'];

/** Kinds of what a device proves itself by, in people's words. */
export const credentialKinds = {
  token: 'Token for HTTPS',
  key: 'Key for MQTT',
  'socket-token': 'Token for sockets',
  'socket-key': 'Key for sockets: lines are signed, and no secret crosses the wire',
} as const satisfies Record<CredentialKind, string>;

interface Made {
  readonly kind: CredentialKind;
  readonly id: string;
  readonly secret: string;
}

interface Where {
  /** Id of the device. */
  readonly device: string;
  /** Address of the cloud, as the page has it: `https://cloud.example.org:8443`. */
  readonly origin: string;
}

/**
 * What a new credential is, to be shown once: its parts, and a line for a shell that delivers a first reading by it. In the
 * lines `authority.pem` is the certificate of the cloud's authority, and PORT the port that its operator opened for sockets.
 */
export function credentialLines({ kind, id, secret }: Made, { device, origin }: Where): readonly Secret[] {
  const { hostname: host, port } = new URL(origin);
  switch (kind) {
    case 'token':
      return [
        { label: 'Token', value: secret },
        {
          label: 'A first reading',
          // `printf` is of the shell itself: the token stands in no list of processes.
          value:
            `printf 'X-Auth-Token: ${secret}' | curl --cacert authority.pem -H @- ` +
            `-H 'Content-Type: application/json' -d '{"temp": 21.5}' ${origin}/ingest/v1`,
        },
      ];
    case 'key': {
      const topic = `v1/dev/${device}/json`;
      return [
        { label: 'User name', value: id },
        { label: 'Password', value: secret },
        { label: 'Client id', value: device },
        { label: 'Topic', value: topic },
        {
          label: 'A first reading',
          value:
            `mosquitto_pub -h ${host} -p ${port || '443'} --tls-alpn mqtt --cafile authority.pem -i ${device} ` +
            `-u ${id} -P ${secret} -q 1 -t ${topic} -m '{"temp": 21.5}'`,
        },
      ];
    }
    case 'socket-token':
      return [
        { label: 'Token', value: secret },
        { label: 'Line', value: `LL1 ${secret} temp=21.5` },
        {
          label: 'A first reading, over TLS',
          value:
            `(echo 'LL1 ${secret} temp=21.5'; sleep 1) | ` +
            `openssl s_client -quiet -no_ign_eof -verify_return_error -CAfile authority.pem -connect ${host}:PORT`,
        },
      ];
    case 'socket-key':
      return [
        { label: 'Key', value: id },
        { label: 'Secret', value: secret },
        {
          label: 'A first reading, over TCP',
          value: [
            `line="LS1 ${id} $(date +%s%3N) temp=21.5"`,
            `mac=$(printf %s "$line" | openssl dgst -sha256 -mac HMAC -macopt hexkey:${hexOf(secret)} -binary | head -c 12 | base64 | tr '+/' '-_')`,
            `echo "$line $mac" | nc -q 1 ${host} PORT`,
          ].join('\n'),
        },
      ];
  }
}

/** The bytes of base64url as hexadecimal digits. */
function hexOf(base64url: string): string {
  const bytes = atob(base64url.replaceAll('-', '+').replaceAll('_', '/'));
  return Array.from(bytes, (byte) => byte.charCodeAt(0).toString(16).padStart(2, '0')).join('');
}
