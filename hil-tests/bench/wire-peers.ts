import { deepStrictEqual } from 'node:assert';
import { once } from 'node:events';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { generate, parser } from 'mqtt-packet';
import { FaultProxy } from '../rig/index.ts';
import { SeededRandom } from '../rig/random.ts';
import type { ComparedRow, Comparison } from './bench.ts';
import { median, rounded } from './figures.ts';
import { makeIdentities } from './identities.ts';
import { firstTag, sensors } from './sensors.ts';
import { type Form, forms, type Sample } from './wire-forms.ts';

const watched = {
  bytesAReading: 'less',
  bytesAReadingWithQuality: 'less',
  bytesAReadingWithQualityZstd: 'less',
  encodeMicrosecondsAReading: 'less',
  decodeMicrosecondsAReading: 'less',
} as const;

interface Case {
  readonly name: string;
  readonly readingsAMessage: number;
  readonly messages: number;
  readonly values: 'two decimals' | 'noise';
}

/** A minute, but for the last. */
const cases: readonly Case[] = [
  { name: '10 s a message, two decimals', readingsAMessage: 1000, messages: 6, values: 'two decimals' },
  { name: '10 s a message, noise', readingsAMessage: 1000, messages: 6, values: 'noise' },
  { name: '1 s a message, two decimals', readingsAMessage: 100, messages: 60, values: 'two decimals' },
  { name: 'a reading a message, two decimals', readingsAMessage: 1, messages: 500, values: 'two decimals' },
];

const start = Date.UTC(2026, 0, 1);
/** Odd, so that the median is one of them. The first warms up and is not among them. */
const measuredRuns = 5;
/** CPU time of one of them, in seconds, at least: the clock of it is coarse. */
const runSeconds = 0.05;

/**
 * Bytes that the same readings take in the forms that others send: each message a QoS 1 publish with its PUBACK over MQTT
 * 3.1.1 and TLS 1.3, counted on the TCP connection in both directions, as in `wire`; and the CPU time of making and
 * reading its body.
 *
 * @throws Error where what arrived is not what was sent, bit for bit
 */
export async function compareWire(): Promise<Comparison> {
  const rows: ComparedRow[] = [];
  const link = await CountedLink.open();
  try {
    for (const one of cases) {
      const withQuality = messagesOf(one);
      const without = withQuality.map((samples) =>
        samples.map((sample) => ({ ...sample, quality: undefined })),
      );
      const cpu = await cpuOf(withQuality);
      for (const [at, form] of forms.entries()) {
        const readings = one.readingsAMessage * one.messages;
        const measure = async (messages: readonly (readonly Sample[])[], sent: Form) =>
          rounded((await link.carry(messages, sent)) / readings, 2);
        rows.push({
          name: one.name,
          by: form.by,
          dataSet:
            `${sensors} sensors x 1 Hz, every form keeps each float32 and millisecond; QoS 1 publish and PUBACK, TLS 1.3, both ` +
            'directions, without TCP and IP headers; quality: rssi and cv of each reading; zstd: bodies compressed, as ' +
            'Loadline’s are anyhow, its CPU with that; SenML as the SDK writes it, with name and time in each record; Sparkplug B: NDATA with ' +
            'aliases; CPU of the bodies with quality, from objects to objects',
          bytesAReading: await measure(without, form),
          bytesAReadingWithQuality: await measure(withQuality, form),
          bytesAReadingWithQualityZstd: await measure(withQuality, compressed(form)),
          ...cpu[at],
        });
      }
    }
    return { watched, rows, missing: [] };
  } finally {
    await link.close();
  }
}

/** Sensors one after the other, evenly over the second, a little late as it comes. */
function messagesOf({ readingsAMessage, messages, values }: Case): readonly (readonly Sample[])[] {
  const random = new SeededRandom(1);
  const hundredths = Array.from({ length: sensors }, () => random.integer(-2000, 10_000));
  const nextValue = (sensor: number, second: number) => {
    if (values === 'noise') return 10 + 5 * Math.sin(second / 20 + sensor) + random.uniform() / 10;
    hundredths[sensor] = (hundredths[sensor] ?? 0) + random.integer(-2, 2);
    return (hundredths[sensor] ?? 0) / 100;
  };
  let turn = 0;
  return Array.from({ length: messages }, () =>
    Array.from({ length: readingsAMessage }, () => {
      const [sensor, second] = [turn % sensors, Math.floor(turn / sensors)];
      turn += 1;
      return {
        tag: firstTag + sensor,
        time: start + Math.floor((turn * 1000) / sensors) + random.integer(0, 1),
        value: Math.fround(nextValue(sensor, second)),
        quality: { rssi: 0xc0 + (sensor % 20) + (turn % 3), cv: 0xe0 + ((turn >> 2) % 4) },
      };
    }),
  );
}

function compressed(form: Form): Form {
  if (form.by === 'Loadline') return form;
  return {
    ...form,
    encode: (samples) => zstdCompressSync(form.encode(samples)),
    decode: (body) => form.decode(zstdDecompressSync(body)),
  };
}

/** Of each form, in turns, so that what else the machine does meets all. */
async function cpuOf(messages: readonly (readonly Sample[])[]) {
  const readings = messages.reduce((sum, { length }) => sum + length, 0);
  const work = forms.map((form) => {
    const bodies = messages.map((samples) => form.encode(samples));
    return {
      ...{ encoded: [] as number[], decoded: [] as number[] },
      encode: () => messages.reduce((sum, samples) => sum + form.encode(samples).length, 0),
      decode: () => bodies.reduce((sum, body) => sum + form.decode(body).length, 0),
    };
  });
  for (let run = 0; run <= measuredRuns; run++) {
    for (const { encode, decode, encoded, decoded } of work) {
      const [encodes, decodes] = [secondsOf(encode) / readings, secondsOf(decode) / readings];
      if (run > 0) {
        encoded.push(encodes);
        decoded.push(decodes);
      }
      // A bench of some seconds must not keep its process from signals and timers.
      await promisify(setImmediate)();
    }
  }
  return work.map(({ encoded, decoded }) => ({
    encodeMicrosecondsAReading: rounded(median(encoded) * 1e6, 2),
    decodeMicrosecondsAReading: rounded(median(decoded) * 1e6, 2),
  }));
}

/** CPU time of one go, of as many as take long enough. */
function secondsOf(work: () => number): number {
  const before = process.cpuUsage();
  for (let times = 1; ; times++) {
    if (work() === 0) throw new Error('nothing was encoded or decoded');
    const { user, system } = process.cpuUsage(before);
    const seconds = (user + system) / 1e6;
    if (seconds >= runSeconds) return seconds / times;
  }
}

/** A client with a certificate, a proxy that counts, and a server that acknowledges each publish. */
class CountedLink {
  readonly #proxy: FaultProxy;
  readonly #client: TLSSocket;
  readonly #received: () => Uint8Array[];
  readonly #close: () => Promise<void>;

  private constructor(
    proxy: FaultProxy,
    client: TLSSocket,
    received: () => Uint8Array[],
    close: () => Promise<void>,
  ) {
    this.#proxy = proxy;
    this.#client = client;
    this.#received = received;
    this.#close = close;
  }

  static async open(): Promise<CountedLink> {
    const { server: own, clients } = await makeIdentities(['gw-1']);
    const { authorityPem: ca, privateKeyPem: key } = own;
    let bodies: Uint8Array[] = [];
    const server = createServer({ ca, key, cert: own.chainPem, requestCert: true, minVersion: 'TLSv1.3' });
    server.on('secureConnection', (socket) => {
      const packets = parser({ protocolVersion: 4 });
      packets.on('packet', (packet) => {
        if (packet.cmd !== 'publish') throw new Error(`a ${packet.cmd} came`);
        bodies.push(packet.payload as Buffer);
        socket.write(generate({ cmd: 'puback', messageId: packet.messageId as number }));
      });
      socket.setNoDelay(true);
      socket.on('data', (bytes) => packets.parse(bytes));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const proxy = await FaultProxy.open({ target: { port: (server.address() as { port: number }).port } });
    const cert = clients[0]?.chainPem ?? '';
    const client = connect({ host: '127.0.0.1', servername: 'localhost', port: proxy.port, ca, key, cert });
    client.setNoDelay(true);
    await once(client, 'secureConnect');
    const received = () => {
      const all = bodies;
      bodies = [];
      return all;
    };
    const link = new CountedLink(proxy, client, received, async () => {
      client.destroy();
      await proxy.close();
      server.close();
      await once(server, 'close');
    });
    // What a link begins with is over when the first is acknowledged.
    await link.#publish('warm/up', Buffer.from('0'));
    link.#received();
    return link;
  }

  /** Bytes that these messages and their acknowledgements take, all of them read again at the other end. */
  async carry(messages: readonly (readonly Sample[])[], form: Form): Promise<number> {
    const before = this.#bytes;
    for (const samples of messages) await this.#publish(form.topic, form.encode(samples));
    const bytes = this.#bytes - before;
    const arrived = this.#received().map((body) => form.decode(body));
    deepStrictEqual(arrived, messages, `what came over in ${form.by} is not what was sent`);
    return bytes;
  }

  async close(): Promise<void> {
    await this.#close();
  }

  get #bytes(): number {
    const { bytesToTarget, bytesToClient } = this.#proxy.counts;
    return bytesToTarget + bytesToClient;
  }

  async #publish(topic: string, body: Uint8Array): Promise<void> {
    const { buffer, byteOffset, byteLength } = body;
    const payload = Buffer.from(buffer, byteOffset, byteLength);
    const flags = { qos: 1, dup: false, retain: false } as const;
    const acknowledged = once(this.#client, 'data');
    this.#client.write(generate({ cmd: 'publish', topic, payload, messageId: 1, ...flags }));
    await acknowledged;
  }
}
