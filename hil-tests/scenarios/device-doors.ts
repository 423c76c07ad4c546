import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { request } from 'node:https';
import { freshAddress } from '../inhabited/caller.ts';
import { type Key, linkUp, type Open } from '../inhabited/followers.ts';
import { until } from '../rig/index.ts';
import { awakeMilliseconds, type CloudProcess } from '../system/index.ts';
import { LineClient } from '../system/line-client.ts';
import { connectGateway, type GatewayIdentity } from '../system/mqtt-gateway.ts';

/** The doors that devices without a certificate deliver at. Everything here comes from an address that nobody had. */
export type Doors = Pick<CloudProcess, 'httpsPort' | 'mqttPort' | 'socketPorts' | 'authorityPem'>;

/** How a line comes. */
export type Transport = 'tcp' | 'tls' | 'udp';

/** Milliseconds after which a datagram has no answer: what is not good gets none. */
const silence = 600;

/** A delivery over HTTPS whose body is under way: its head and its first bytes have been sent. */
export interface Upload {
  /** Sends the rest of it. @returns the status */
  finish(): Promise<number>;
}

const reading = '{"temp":21.5}';

/** Begins a delivery with a token in its header. */
export async function beginUpload(doors: Doors, token: string): Promise<Upload> {
  const call = request({
    host: '127.0.0.1',
    servername: 'localhost',
    localAddress: freshAddress(),
    port: doors.httpsPort,
    ca: doors.authorityPem,
    method: 'POST',
    path: '/ingest/v1',
    headers: {
      'x-auth-token': token,
      'content-type': 'application/json',
      'content-length': reading.length,
      expect: '100-continue',
    },
  });
  const status = new Promise<number>((resolve, reject) => {
    call.on('error', reject);
    call.on('response', (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
  });
  status.catch(() => {});
  call.flushHeaders();
  await Promise.race([
    once(call, 'continue'),
    status.then((said) => Promise.reject(new Error(`the head was answered with ${said}`))),
  ]);
  call.write(reading.slice(0, 5));
  return {
    finish: () => {
      call.end(reading.slice(5));
      return status;
    },
  };
}

/** A delivery with a token in its header: the status. */
export async function post(doors: Doors, token: string): Promise<number> {
  return await beginUpload(doors, token).then(
    (upload) => upload.finish(),
    (error: Error) => Number(/answered with (\d+)/.exec(error.message)?.[1] ?? Number.NaN),
  );
}

/** The link of a device with a key; what it is told on `notice` is in `said`. */
export async function deviceLink(
  doors: Doors,
  device: string,
  key: Key,
): Promise<Awaited<ReturnType<typeof linkUp>>> {
  const link = await linkUp(doors, key, freshAddress(), device);
  await link.client.subscribeAsync(`v1/dev/${device}/notice`);
  return link;
}

/** How MQTT is come to: by its own port, or by ALPN on the port of HTTPS. */
export type By = 'port' | 'alpn';

/** The link of a gateway by its certificate; what it is told on `notice` is in `said`. */
export async function gatewayLink(doors: Doors, identity: GatewayIdentity, by: By = 'port'): Promise<Open> {
  const client = await connectGateway(by === 'port' ? doors.mqttPort : doors.httpsPort, identity, by);
  const open = { ended: undefined as number | undefined, said: '', close: () => void client.end(true) };
  client.on('close', () => {
    open.ended ??= awakeMilliseconds();
  });
  client.on('message', (topic, text) => {
    open.said += `${topic} ${text}`;
  });
  await client.subscribeAsync(`v1/gw/${identity.id}/notice`);
  return open;
}

/** Whether a CONNECT comes in: as a device, or with no `clientId`, as anything. */
export async function connects(doors: Doors, key: Key, clientId?: string): Promise<'in' | 'refused'> {
  return await linkUp(doors, key, freshAddress(), clientId).then(
    (link) => {
      link.close();
      return 'in';
    },
    () => 'refused',
  );
}

/** A connection that has delivered a line, and waits. */
export async function openLine(
  doors: Doors,
  transport: Exclude<Transport, 'udp'>,
  line: string,
): Promise<Open> {
  const client = await lineClient(doors, transport);
  const answer = await client.ask(line);
  if (!answer.startsWith('OK')) throw new Error(`a line by ${transport}: ${answer}`);
  return {
    get ended() {
      return client.ended;
    },
    get said() {
      return client.heard.slice(1).join('\n');
    },
    close: () => client.close(),
  };
}

function lineClient(doors: Doors, transport: Exclude<Transport, 'udp'>): Promise<LineClient> {
  const { tcp, tls } = doors.socketPorts;
  if (transport === 'tcp') return LineClient.tcp(tcp, freshAddress());
  return LineClient.tls(tls, doors.authorityPem, freshAddress());
}

/**
 * What is answered to one line, up to its code: `OK 1`, `ERR unauthenticated`; empty where nothing is. `patience`: ms to wait
 * for the answer to a datagram, longer where there is to be one.
 */
export async function sayLine(
  doors: Doors,
  transport: Transport,
  line: string,
  patience = silence,
): Promise<string> {
  const answer = transport === 'udp' ? await datagram(doors, line, patience) : await overConnection();
  return answer.split(' ').slice(0, 2).join(' ');

  async function overConnection(): Promise<string> {
    const client = await lineClient(doors, transport as Exclude<Transport, 'udp'>);
    return await client.ask(line).finally(() => client.close());
  }
}

async function datagram(doors: Doors, line: string, patience: number): Promise<string> {
  const socket = createSocket('udp4');
  const answers: string[] = [];
  socket.on('message', (message) => answers.push(message.toString().trim()));
  socket.bind(0, freshAddress());
  await once(socket, 'listening');
  socket.send(`${line}\n`, doors.socketPorts.udp, '127.0.0.1');
  await until(() => answers.length > 0, { limitMs: patience }).catch(() => {});
  socket.close();
  return answers[0] ?? '';
}
