import { createSocket } from 'node:dgram';
import { limits } from '@loadline/sdk/contract';
import { socketSecret, writeSignedLine, writeTokenLine } from '@loadline/sdk/socket';
import { takeInSoftware } from '../../scenarios/software-device.ts';
import type { CloudProcess } from '../../system/index.ts';
import { LineClient } from '../../system/line-client.ts';
import { mutated, noise, oneOf } from '../spoil.ts';
import { type Attack, type GoodClient, moment, type OpenDoor, Rogue, type Scene } from './attack.ts';
import { tlsNonsense } from './tls-nonsense.ts';

const good = 'good-socket';
const rogue = 'rogue-socket';
const datagrams = 30;

/** Where an answer is due it is waited for, however busy the machine is. */
const answerDueMs = 10_000;

/** The socket door over TCP, TLS and UDP: devices that deliver by lines with a token, by signed lines, and strangers. */
export const openSocket: OpenDoor = async (cloud) => {
  const { tcp, tls, udp } = cloud.socketPorts;
  await cloud.organisation.patchOrganisation({ body: { sockets: 'all' } });
  const own = await takeInSoftware(cloud, good);
  const other = await takeInSoftware(cloud, rogue);
  const token = other['socket-token'].secret;
  const key = { id: other['socket-key'].id, secret: socketSecret(other['socket-key'].secret) };
  let counter = 0;

  const open = (scene: Scene) =>
    scene.random.integer(0, 1) === 0
      ? Rogue.tcp(scene, tcp)
      : Rogue.tls(scene, tls, { ca: cloud.authorityPem });
  const readings = (scene: Scene) =>
    Array.from({ length: scene.random.integer(1, 5) }, (_, index) => ({
      name: `s${index}`,
      value: oneOf(scene.random, [scene.random.uniform() * 100, true, 'open']),
    }));
  /** A line in order, without its end. */
  const line = (scene: Scene) => {
    counter += 1;
    return scene.random.integer(0, 1) === 0
      ? writeTokenLine(token, readings(scene), scene.random.integer(0, 1) === 0 ? `id-${counter}` : undefined)
      : writeSignedLine(key, counter, readings(scene));
  };
  const send = async (scene: Scene, bytes: string | Uint8Array, patienceMs?: number) => {
    const one = await open(scene);
    await one.send(bytes);
    await one.leave(namesOf, patienceMs);
  };
  const mutatedLines = (scene: Scene, count: number) =>
    Buffer.concat(
      Array.from({ length: count }, () =>
        scene.random.integer(0, 3) === 0
          ? Buffer.from(`${line(scene)}\n`)
          : mutated(scene.random, Buffer.from(`${line(scene)}\n`)),
      ),
    );

  const attacks: Attack[] = [
    ...(await tlsNonsense(tls, [])),
    { name: 'noise for lines', weight: 4, carryOut: (scene) => send(scene, noise(scene.random, 16_384)) },
    { name: 'mutated lines', weight: 12, carryOut: (scene) => send(scene, mutatedLines(scene, 20)) },
    {
      name: 'a line in order, twice, and then noise',
      weight: 4,
      carryOut: (scene) => {
        counter += 1;
        const signed = `${writeSignedLine(key, counter, readings(scene))}\n`;
        return send(scene, Buffer.concat([Buffer.from(signed + signed), noise(scene.random, 8192)]));
      },
    },
    {
      name: 'other readings under a counter that was used, and counters from the past and the future',
      weight: 2,
      carryOut: (scene) =>
        send(
          scene,
          [1, counter, counter + 1, Number.MAX_SAFE_INTEGER - scene.random.integer(0, 3)]
            .map((each) => `${writeSignedLine(key, each, readings(scene))}\n`)
            // The last would leave no counter for the lines in order: it is signed by nobody.
            .map((each, index) => (index === 3 ? each.replace(/.{4}\n$/, 'AAAA\n') : each))
            .join(''),
        ),
    },
    {
      name: 'lines that are too long, or never end',
      weight: 3,
      carryOut: (scene) => {
        const long = 'x'.repeat(limits.socketLineBytes + scene.random.integer(0, 200_000));
        return send(
          scene,
          oneOf(scene.random, [long, `LL1 ${token} temp=${long}\n`, `LL1 ${long}\n`]),
          answerDueMs,
        );
      },
    },
    {
      name: 'tokens and signatures that are none',
      weight: 3,
      carryOut: (scene) => {
        const none = noise(scene.random, 40).toString('base64url').padEnd(20, 'A');
        return send(
          scene,
          oneOf(scene.random, [
            `LL1 ${none} a=1\n`,
            `LS1 ${key.id} 1 a=1 ${'A'.repeat(16)}\n`,
            `LS1 ${none} 1 a=1 ${'A'.repeat(16)}\n`,
          ]),
          answerDueMs,
        );
      },
    },
    {
      name: 'a thousand lines at once, and nobody who reads',
      weight: 1,
      carryOut: (scene) =>
        send(
          scene,
          Array.from({ length: 1000 }, () => `${writeTokenLine(token, readings(scene))}\n`).join(''),
        ),
    },
    {
      name: 'a line that drips',
      weight: 1,
      carryOut: async (scene) => {
        const one = await open(scene);
        await one.drip(Buffer.from(`${line(scene)}\n`), 4, 20);
        await one.leave(namesOf);
      },
    },
    {
      name: 'a flood of connects by TCP',
      weight: 1,
      carryOut: async (scene) => {
        const all = await Promise.all(Array.from({ length: 40 }, () => Rogue.tcp(scene, tcp)));
        for (const one of all) one.destroy();
      },
    },
    {
      name: 'datagrams: noise, mutated lines, lines in order',
      weight: 8,
      carryOut: (scene) =>
        sendDatagrams(
          scene,
          udp,
          Array.from({ length: datagrams }, () =>
            oneOf(scene.random, [
              () => noise(scene.random, 2000),
              () => mutated(scene.random, Buffer.from(line(scene))),
              () => Buffer.from(line(scene)),
              () => Buffer.alloc(0),
              () => Buffer.alloc(60_000, 'L'),
            ])(),
          ),
        ),
    },
  ];
  return { good: await goodClient(cloud, own['socket-key']), attacks, devices: [rogue] };
};

async function goodClient(
  { socketPorts, authorityPem }: CloudProcess,
  { id, secret }: { readonly id: string; readonly secret: string },
): Promise<GoodClient> {
  const client = await LineClient.tls(socketPorts.tls, authorityPem);
  const key = { id, secret: socketSecret(secret) };
  let counter = 0;
  return {
    device: good,
    async deliver() {
      counter += 1;
      const answer = await client.ask(writeSignedLine(key, counter, [{ name: 'temp', value: counter }]));
      if (!answer.startsWith(`OK 1 #${counter} `)) throw new Error(answer);
    },
    close: () => client.close(),
  };
}

/** Datagrams from one address, and what came back, which may never be longer than what was sent. */
async function sendDatagrams(scene: Scene, port: number, all: readonly Uint8Array[]): Promise<void> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, scene.address, resolve));
  const longest = Math.max(...all.map(({ length }) => length));
  socket.on('error', () => {});
  socket.on('message', (bytes) => {
    for (const name of namesOf(bytes)) scene.answered(`${name} (UDP)`);
    if (bytes.length > longest) scene.answered(`an answer of ${bytes.length} bytes to less`);
  });
  for (const bytes of all) {
    scene.spent(bytes.length);
    await new Promise<void>((resolve) => socket.send(bytes, port, '127.0.0.1', () => resolve()));
  }
  await moment(100);
  socket.close();
}

/** What the cloud said: OK, or the code of an ERR. */
function namesOf(heard: Buffer): string[] {
  if (heard.length > 0 && (heard[0] as number) < 0x20) return [`TLS record ${heard[0]}`];
  const names = heard
    .toString('latin1')
    .split('\n')
    .flatMap((one) => /^(OK dup|OK|ERR \S+)/.exec(one)?.[1] ?? []);
  return [...new Set(names)];
}
