import { gzipSync } from 'node:zlib';
import { limits } from '@loadline/sdk/contract';
import { batchMaker } from '../../scenarios/batches.ts';
import { ask } from '../../scenarios/raw-https.ts';
import { takeInSoftware } from '../../scenarios/software-device.ts';
import type { CloudProcess } from '../../system/index.ts';
import { mutated, noise, oneOf } from '../spoil.ts';
import { type Attack, type OpenDoor, Rogue, type Scene } from './attack.ts';
import { tlsNonsense } from './tls-nonsense.ts';

const good = 'good-logger';
const rogue = 'rogue-logger';
const path = '/ingest/v1';

/** Bodies in order, by their media type. */
const bodies = [
  ['application/json', '{"temp":21.5,"hum":{"value":40,"unit":"%RH","timestamp":1795000000000}}'],
  [
    'application/senml+json',
    '[{"bn":"a/","n":"temp","u":"Cel","v":21.5,"t":1795000000},{"n":"b","vb":true}]',
  ],
  ['application/senml+cbor', Buffer.from('81a3006474656d7001634365 6c02f94d60'.replaceAll(' ', ''), 'hex')],
] as const;

/** The HTTPS door: devices that deliver by token, and strangers. */
export const openHttps: OpenDoor = async (cloud) => {
  const { httpsPort: port, authorityPem: ca } = cloud;
  const [own, other] = [await takeInSoftware(cloud, good), await takeInSoftware(cloud, rogue)];
  const batch = batchMaker({ readings: 20 });
  const tls = { ca, ALPNProtocols: ['http/1.1'] };

  const all = (): readonly (readonly [string, Uint8Array])[] => [
    ...bodies.map(([type, body]) => [type, Buffer.from(body)] as const),
    ['application/vnd.loadline.batch', batch()],
  ];
  const send = async (scene: Scene, bytes: string | Uint8Array, ms?: number) => {
    const one = await Rogue.tls(scene, port, tls);
    await one.send(bytes);
    await one.leave(namesOf, ms);
  };
  /** A delivery in order, but for what is said otherwise. */
  const delivery = (type: string, body: Uint8Array, more: readonly string[] = []) =>
    request(body, [`content-type: ${type}`, `x-auth-token: ${other.token.secret}`, ...more]);

  const attacks: Attack[] = [
    ...(await tlsNonsense(port, ['http/1.1'])),
    { name: 'noise for a request', weight: 3, carryOut: (scene) => send(scene, noise(scene.random, 16_384)) },
    {
      name: 'mutated requests',
      weight: 10,
      carryOut: (scene) => {
        const [type, body] = oneOf(scene.random, all());
        return send(scene, mutated(scene.random, delivery(type, body)));
      },
    },
    {
      name: 'mutated bodies',
      weight: 12,
      carryOut: async (scene) => {
        const one = await Rogue.tls(scene, port, tls);
        for (let times = 0; times < 8; times++) {
          const [type, body] = oneOf(scene.random, all());
          await one.send(delivery(type, mutated(scene.random, body)));
        }
        await one.leave(namesOf);
      },
    },
    {
      name: 'noise of every media type, gzip too',
      weight: 4,
      carryOut: (scene) => {
        const [type] = oneOf(scene.random, all());
        const body = noise(scene.random, 4096);
        return scene.random.integer(0, 1) === 0
          ? send(scene, delivery(type, gzipSync(body), ['content-encoding: gzip']))
          : send(scene, delivery(type, body));
      },
    },
    {
      name: 'gzip that swells, or is none',
      weight: 2,
      carryOut: (scene) => {
        const swelling = gzipSync(Buffer.alloc(scene.random.integer(1, 64) * 1024 * 1024));
        const body = scene.random.integer(0, 1) === 0 ? swelling : mutated(scene.random, swelling);
        return send(scene, delivery('application/json', body, ['content-encoding: gzip']), 2000);
      },
    },
    {
      name: 'bodies that are too long, said or not',
      weight: 2,
      carryOut: (scene) => {
        const body = Buffer.alloc(limits.batchBytes + scene.random.integer(1, 300_000), '[');
        if (scene.random.integer(0, 1) === 0) return send(scene, delivery('application/json', body));
        const chunked = Buffer.concat([
          Buffer.from(`${body.length.toString(16)}\r\n`),
          body,
          Buffer.from('\r\n0\r\n\r\n'),
        ]);
        const headers = ['content-type: application/json', `x-auth-token: ${other.token.secret}`];
        return send(scene, Buffer.concat([head([...headers, 'transfer-encoding: chunked']), chunked]));
      },
    },
    {
      name: 'deep and wide JSON',
      weight: 2,
      carryOut: (scene) => {
        const depth = scene.random.integer(100, 100_000);
        const body = oneOf(scene.random, [
          '['.repeat(depth),
          `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`.slice(0, limits.batchBytes),
          JSON.stringify(
            Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`s${index}`, index])),
          ),
          '{"__proto__":{"value":1},"constructor":2,"a":1e999,"b":-0,"c":"\\ud800"}',
        ]);
        return send(scene, delivery('application/json', Buffer.from(body)));
      },
    },
    {
      name: 'lengths that lie',
      weight: 3,
      carryOut: (scene) => {
        const body = '{"temp":1}';
        const lie = oneOf(scene.random, [
          '5',
          '-1',
          '99999999999',
          '1e1',
          '0x0a',
          '10, 11',
          '',
          '10\r\ncontent-length: 3',
        ]);
        const also = oneOf(scene.random, [
          [],
          ['transfer-encoding: chunked'],
          ['transfer-encoding: xchunked'],
        ]);
        const headers = [
          `content-length: ${lie}`,
          'content-type: application/json',
          `x-auth-token: ${other.token.secret}`,
        ];
        return send(scene, Buffer.concat([head([...headers, ...also]), Buffer.from(body)]));
      },
    },
    {
      name: 'headers without end',
      weight: 2,
      carryOut: async (scene) => {
        const one = await Rogue.tls(scene, port, tls);
        await one.send(`POST ${path} HTTP/1.1\r\nhost: localhost\r\n`);
        for (let times = 0; times < 20 && !one.isClosed; times++)
          await one.send(`x-${times}: ${'a'.repeat(2000)}\r\n`);
        await one.leave(namesOf);
      },
    },
    {
      name: 'a body that drips',
      weight: 1,
      carryOut: async (scene) => {
        const one = await Rogue.tls(scene, port, tls);
        await one.drip(delivery('application/json', Buffer.from('{"temp":1}'.padEnd(400))), 30, 30);
        await one.leave(namesOf, 50);
      },
    },
    {
      name: 'a hundred requests at once, and nobody who reads',
      weight: 1,
      carryOut: (scene) => {
        const [type, body] = oneOf(scene.random, all());
        return send(scene, Buffer.concat(Array.from({ length: 100 }, () => delivery(type, body))));
      },
    },
    {
      name: 'tokens that are none, in every place',
      weight: 3,
      carryOut: (scene) => {
        const none = `lld_${noise(scene.random, 48).toString('base64url')}`;
        const token = oneOf(scene.random, [
          none,
          `${other.token.secret}x`,
          other.key.secret,
          '\u00ff'.repeat(300),
          '',
        ]);
        const body = Buffer.from('{"temp":1}');
        const target = oneOf(scene.random, [
          path,
          `${path}?token=${encodeURIComponent(token)}`,
          `${path}/${encodeURIComponent(token)}`,
        ]);
        return send(
          scene,
          request(body, ['content-type: application/json', `x-auth-token: ${token}`], target),
        );
      },
    },
  ];
  return {
    good: {
      device: good,
      deliver: () => deliverOver(cloud, own.token.secret),
      close: () => {},
    },
    attacks,
    devices: [rogue],
  };
};

/** Delivers a reading by a device's token, and waits until it is stored. */
export async function deliverOver(cloud: CloudProcess, token: string): Promise<void> {
  const { status, body } = await ask(cloud, {
    method: 'POST',
    path,
    headers: { 'content-type': 'application/json', 'x-auth-token': token },
    body: '{"temp":21.5}',
  });
  if (status !== 200) throw new Error(`${status} ${body}`);
}

function head(headers: readonly string[], target = path): Buffer {
  return Buffer.from(
    `POST ${target} HTTP/1.1\r\nhost: localhost\r\n${headers.map((one) => `${one}\r\n`).join('')}\r\n`,
    'latin1',
  );
}

function request(body: Uint8Array, headers: readonly string[], target?: string): Buffer {
  return Buffer.concat([head([`content-length: ${body.length}`, ...headers], target), body]);
}

/** What the cloud said: statuses with the code of the problem. */
function namesOf(heard: Buffer): string[] {
  const text = heard.toString('latin1');
  const names = text.split(/(?=HTTP\/1\.1 \d{3})/).flatMap((answer) => {
    const status = /^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1];
    if (status === undefined) return [];
    const code = /"code":"([a-z-]+)"/.exec(answer)?.[1];
    return [code === undefined ? status : `${status} ${code}`];
  });
  return [...new Set(names)];
}
