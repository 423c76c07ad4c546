import { request } from 'node:https';
import { connect, type IClientOptions, type MqttClient } from 'mqtt';
import { until } from '../rig/index.ts';
import { awakeMilliseconds, type CloudProcess } from '../system/index.ts';
import { addressOf, type Caller } from './caller.ts';

/** Something that is open until the cloud ends it. */
export interface Open {
  /** When it ended, on the clock of `awakeMilliseconds`; undefined while it is open. */
  readonly ended: number | undefined;
  /** What came so far. */
  readonly said: string;
  close(): void;
}

/** Follows the readings of an organisation; resolves when the stream has begun. */
export async function follow(cloud: CloudProcess, caller: Caller, organisation: string): Promise<Open> {
  const stream: { ended: number | undefined; said: string; close: () => void } = {
    ended: undefined,
    said: '',
    close: () => {},
  };
  const path = addressOf('/organisations/:organisation/live', { organisation });
  const call = request({
    host: '127.0.0.1',
    servername: 'localhost',
    localAddress: caller.address,
    port: cloud.httpsPort,
    ca: cloud.authorityPem,
    path,
    headers: { host: caller.host, ...caller.proof },
  });
  stream.close = () => call.destroy();
  call.on('response', (response) => {
    response.setEncoding('utf8').on('data', (text: string) => {
      stream.said += text;
    });
    response.on('error', () => {});
    response.on('close', () => {
      stream.ended ??= awakeMilliseconds();
    });
  });
  call.on('error', () => {
    stream.ended ??= awakeMilliseconds();
  });
  call.end();
  await until(() => stream.said.includes('retry:') || stream.ended !== undefined, { what: 'a live stream' });
  if (stream.ended !== undefined) throw new Error(`no live stream: ${stream.said}`);
  return stream;
}

/** An application key and its secret. */
export interface Key {
  readonly id: string;
  readonly secret: string;
}

/**
 * A link to the MQTT door by a key: of an application, or with its id as `clientId`, of a device. Rejects where the CONNECT
 * is refused.
 */
export function linkUp(
  cloud: Pick<CloudProcess, 'mqttPort' | 'authorityPem'>,
  key: Key,
  address: string,
  clientId = `program-${Math.random().toString(16).slice(2)}`,
): Promise<Open & { client: MqttClient }> {
  const options: IClientOptions & { localAddress: string; servername: string } = {
    protocol: 'mqtts',
    host: '127.0.0.1',
    servername: 'localhost',
    localAddress: address,
    port: cloud.mqttPort,
    ca: cloud.authorityPem,
    username: key.id,
    password: key.secret,
    clientId,
    protocolVersion: 4,
    clean: true,
    reconnectPeriod: 0,
    connectTimeout: 10_000,
  };
  const client = connect(options);
  const link = {
    ended: undefined as number | undefined,
    said: '',
    client,
    close: () => void client.end(true),
  };
  client.on('message', (topic, payload) => {
    link.said += `${topic} ${payload.toString()}\n`;
  });
  return new Promise((resolve, reject) => {
    let reason: Error | undefined;
    client.on('error', (error) => {
      reason ??= error;
    });
    client.once('connect', () => resolve(link));
    client.on('close', () => {
      link.ended ??= awakeMilliseconds();
      client.end(true);
      reject(reason ?? new Error('closed before its CONNACK'));
    });
  });
}
