import { gatewayTopic, limits } from '@loadline/sdk/contract';
import { generate, type Packet } from 'mqtt-packet';
import { batchMaker } from '../../scenarios/batches.ts';
import { MqttWire, packetTypes, publishPacket, remainingLength } from '../../scenarios/raw-mqtt.ts';
import { takeInSoftware } from '../../scenarios/software-device.ts';
import type { CloudProcess } from '../../system/index.ts';
import { enrolIdentity, type GatewayIdentity } from '../../system/mqtt-gateway.ts';
import { mutated, noise, oneOf } from '../spoil.ts';
import { type Attack, type GoodClient, type OpenDoor, Rogue, type Scene } from './attack.ts';
import { tlsNonsense } from './tls-nonsense.ts';

const rogues = ['rogue-1', 'rogue-2', 'rogue-3'];
const logger = 'rogue-keyed';

/** The MQTT door: gateways by certificate, devices by key, and strangers. */
export const openMqtt: OpenDoor = async (cloud) => {
  const { mqttPort: port, authorityPem: ca } = cloud;
  const identities: GatewayIdentity[] = [];
  for (const id of rogues) identities.push(await enrolIdentity(cloud, id));
  const { key } = await takeInSoftware(cloud, logger);
  const batch = batchMaker({ readings: 20 });
  const some = ({ random }: Scene) => oneOf(random, identities);

  /** What a client says first, by its certificate or by its key. */
  const opening = (scene: Scene) => {
    const { id, privateKeyPem, chainPem } = some(scene);
    if (scene.random.integer(0, 3) === 0) {
      const login = { username: key.id, password: Buffer.from(key.secret) };
      return { id: logger, root: `v1/dev/${logger}/json`, tls: { ca }, connect: connectOf(logger, login) };
    }
    const tls = { ca, key: privateKeyPem, cert: chainPem };
    return { id, root: gatewayTopic(id, 'telemetry'), tls, connect: connectOf(id, {}) };
  };
  /** Opens a link in order, and then sends what is not. */
  const inside = async (scene: Scene, make: (topic: string) => Uint8Array) => {
    const { tls, connect, root } = opening(scene);
    const rogue = await Rogue.tls(scene, port, tls);
    await rogue.send(connect);
    await rogue.send(make(root));
    await rogue.leave(namesOf);
  };
  const valid = (topic: string): Buffer[] => [
    generate({ ...publish(topic, Buffer.from(batch())), messageId: 7 }),
    generate({
      cmd: 'subscribe',
      messageId: 8,
      subscriptions: [{ topic: topic.replace(/\w+$/, 'notice'), qos: 1 }],
    }),
    generate({ cmd: 'pingreq' }),
    generate({ cmd: 'puback', messageId: 9 }),
    generate({ cmd: 'unsubscribe', messageId: 10, unsubscriptions: [topic] }),
  ];

  const attacks: Attack[] = [
    ...(await tlsNonsense(port, ['mqtt'])),
    {
      name: 'noise in the place of a CONNECT',
      weight: 3,
      carryOut: async (scene) => {
        const rogue = await Rogue.tls(
          scene,
          port,
          scene.random.integer(0, 1) === 0 ? { ca } : opening(scene).tls,
        );
        await rogue.send(noise(scene.random, 8192));
        await rogue.leave(namesOf);
      },
    },
    {
      name: 'a mutated CONNECT',
      weight: 6,
      carryOut: async (scene) => {
        const { tls, connect } = opening(scene);
        const rogue = await Rogue.tls(scene, port, tls);
        await rogue.send(mutated(scene.random, connect));
        await rogue.leave(namesOf);
      },
    },
    {
      name: 'a CONNECT that is too long',
      weight: 2,
      carryOut: async (scene) => {
        const rogue = await Rogue.tls(scene, port, { ca });
        const length = scene.random.integer(limits.mqttConnectBytes + 1, 256 * 1024 * 1024 - 1);
        await rogue.send(Buffer.concat([Buffer.of(0x10), remainingLength(length), Buffer.alloc(100_000)]));
        await rogue.leave(namesOf);
      },
    },
    {
      name: 'keys and secrets that are none',
      weight: 2,
      carryOut: async (scene) => {
        const rogue = await Rogue.tls(scene, port, { ca });
        const text = noise(scene.random, 60).toString('base64url');
        const username = oneOf(scene.random, [key.id, text, `app_${text.slice(0, 24)}`, '']);
        await rogue.send(connectOf('somebody', { username, password: noise(scene.random, 200) }));
        await rogue.leave(namesOf);
      },
    },
    {
      name: 'noise once inside',
      weight: 4,
      carryOut: (scene) => inside(scene, () => noise(scene.random, 16_384)),
    },
    {
      name: 'mutated packets once inside',
      weight: 8,
      carryOut: (scene) =>
        inside(scene, (topic) => mutated(scene.random, Buffer.concat([...valid(topic), ...valid(topic)]))),
    },
    {
      name: 'mutated batches',
      weight: 10,
      carryOut: (scene) =>
        inside(scene, (topic) =>
          Buffer.concat(
            Array.from({ length: 10 }, (_, index) =>
              generate({ ...publish(topic, mutated(scene.random, batch())), messageId: index + 1 }),
            ),
          ),
        ),
    },
    {
      name: 'packets that are too long once inside',
      weight: 2,
      carryOut: (scene) =>
        inside(scene, (topic) =>
          publishPacket({ topic, payload: Buffer.alloc(limits.mqttPacketBytes + 1, 0x9f) }),
        ),
    },
    {
      name: 'the longest packets, one after the other, and nobody who reads',
      weight: 2,
      carryOut: (scene) =>
        inside(scene, (topic) => {
          const payload = noise(scene.random, 1000);
          const one = publishPacket({ topic, payload: Buffer.alloc(limits.batchBytes, payload) });
          return Buffer.concat([one, one, one, one]);
        }),
    },
    {
      name: 'topics of others, QoS 2 and 3, retained',
      weight: 3,
      carryOut: (scene) =>
        inside(scene, () => {
          const topic = oneOf(scene.random, [
            gatewayTopic(GOOD, 'telemetry'),
            '#',
            '$SYS/x',
            'v1/org/first/notice',
            'a'.repeat(1000),
            '\u0000',
          ]);
          const qos = oneOf(scene.random, [0, 1, 2, 3] as const);
          return publishPacket({ topic, payload: 'x', qos, retain: true });
        }),
    },
    {
      name: 'a packet that drips',
      weight: 1,
      carryOut: async (scene) => {
        const { tls, connect, root } = opening(scene);
        const rogue = await Rogue.tls(scene, port, tls);
        await rogue.drip(Buffer.concat([connect, ...valid(root)]).subarray(0, 300), 20, 30);
        await rogue.leave(namesOf, 50);
      },
    },
  ];
  return { good: await goodClient(cloud), attacks, devices: [...rogues, logger] };
};

const GOOD = 'good-1';

async function goodClient(cloud: CloudProcess): Promise<GoodClient> {
  const identity = await enrolIdentity(cloud, GOOD);
  const { wire, returnCode } = await MqttWire.connect(cloud, identity, { clientId: GOOD });
  if (returnCode !== 0) throw new Error(`the client in order was refused: ${returnCode}`);
  const next = batchMaker({ readings: 5 });
  const topic = gatewayTopic(GOOD, 'telemetry');
  let sent = 0;
  return {
    device: GOOD,
    async deliver() {
      sent += 1;
      wire.send(publishPacket({ topic, payload: next(), messageId: (sent % 0xffff) + 1 }));
      await wire.packet('puback', sent);
    },
    close: () => wire.destroy(),
  };
}

function publish(topic: string, payload: Buffer) {
  return { cmd: 'publish', topic, payload, qos: 1, dup: false, retain: false } as const;
}

function connectOf(clientId: string, login: object): Buffer {
  const packet = {
    cmd: 'connect',
    clientId,
    clean: true,
    protocolId: 'MQTT',
    protocolVersion: 4,
    keepalive: 30,
  };
  return generate({ ...packet, ...login } as Packet);
}

/** What the cloud said: packets by their kind, CONNACKs with their code, notices with theirs. */
function namesOf(heard: Buffer): string[] {
  const kinds = Object.entries(packetTypes);
  const names: string[] = [];
  for (let at = 0; at < heard.length; ) {
    const type = (heard[at] as number) >> 4;
    let length = 0;
    let head = at + 1;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = heard[head++] ?? 0;
      length += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
    }
    const body = heard.subarray(head, head + length);
    const kind = kinds.find(([, number]) => number === type)?.[0] ?? `packet ${type}`;
    if (kind === 'connack') names.push(`connack ${body[1]}`);
    else if (kind === 'publish') {
      const code = /"code":"([a-z-]+)"/.exec(body.toString('latin1'))?.[1];
      names.push(code === undefined ? 'publish' : `notice ${code}`);
    } else names.push(kind);
    at = head + length;
  }
  return [...new Set(names)];
}
