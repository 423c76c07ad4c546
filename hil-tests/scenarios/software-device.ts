import type { TransportOptions } from '@loadline/sdk/client';
import type { CloudProcess } from '../system/index.ts';

const kinds = ['token', 'key', 'socket-token', 'socket-key'] as const;

/** What a software device proves itself by, by its kind. */
export type Credentials = Readonly<
  Record<(typeof kinds)[number], { readonly id: string; readonly secret: string }>
>;

/** Takes in a device without a radio, with one credential of each kind. The cloud's log is searched for all of them. */
export async function takeInSoftware(cloud: CloudProcess, id: string): Promise<Credentials> {
  const { organisation, service } = cloud;
  await organisation.createDevice({ body: { id, kind: 'software' } });
  const made = await Promise.all(
    kinds.map(async (kind) => {
      const credential = await organisation.createDeviceCredential({
        device: id,
        body: { kind, name: kind },
      });
      service.watchFor(credential.secret, `a device's ${kind}`);
      return [kind, credential] as const;
    }),
  );
  return Object.fromEntries(made) as unknown as Credentials;
}

/** The ways by which the device client delivers, to a cloud that listens for sockets. */
export function waysOf(
  { url, mqttPort, socketPorts, authorityPem }: CloudProcess,
  device: string,
  credentials: Credentials,
): Readonly<Record<'https' | 'mqtt' | 'tcp' | 'tls', TransportOptions>> {
  const { token, key, 'socket-key': socketKey, 'socket-token': socketToken } = credentials;
  return {
    https: { kind: 'https', url, token: token.secret, authorityPem },
    mqtt: { kind: 'mqtt', url: `mqtts://localhost:${mqttPort}`, device, key, authorityPem },
    tcp: { kind: 'socket', url: `tcp://localhost:${socketPorts.tcp}`, key: socketKey },
    tls: {
      kind: 'socket',
      url: `tls://localhost:${socketPorts.tls}`,
      token: socketToken.secret,
      authorityPem,
    },
  };
}
