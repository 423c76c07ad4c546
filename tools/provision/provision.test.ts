// What the tool does with a gateway that answers as it should, and what it does with one that does not: over the real link.
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudError, UnreachableError } from '@loadline/sdk/client';
import { createSigningRequest, generateKeyPair, softwareSigner } from '@loadline/sdk/identity';
import { keyProof, type QuestionName, type Reply, recordToSign, type Site } from '@loadline/sdk/provisioning';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ProvisionEvent, ResultEvent } from './events.ts';
import type { FieldCloud } from './field-cloud.ts';
import { type Order, siteOf } from './order.ts';
import { checkDigest } from './present.ts';
import { Provisioning } from './provision.ts';
import { refuse, TestGateway, testCloud } from './test-gateway.ts';

const test = suite('provisioning a gateway');

const folder = mkdtempSync(join(tmpdir(), 'loadline-provision-'));
test.after(() => rmSync(folder, { recursive: true }));

const signer = softwareSigner((await generateKeyPair()).privateKeyPem);
const stranger = softwareSigner((await generateKeyPair()).privateKeyPem);

const order: Order = {
  organisation: undefined,
  where: 'a bench',
  gatewayId: 'mast-7',
  name: 'Mast 7',
  serialNumber: undefined,
  replace: false,
  discardUndelivered: false,
  cloudUrl: undefined,
  network: { addresses: { by: 'dhcp' }, ntp: [], wifi: { ssid: 'quay', country: 'DE' } },
  uplink: { host: undefined, rest: { proxy: { url: 'http://proxy:1' } } },
  ports: undefined,
  tables: { sensors: [{ tag: '25df', name: 'Wind', unit: 'm/s' }] },
  listenSeconds: 5,
  trialSeconds: 5,
  secrets: { wifiPassphrase: 'correct horse', proxyPassword: null },
};

interface Ran {
  readonly result: ResultEvent;
  readonly gateway: TestGateway;
  readonly events: readonly ProvisionEvent[];
  readonly kept: readonly { record: string; signature: string }[];
}

let records = 0;

async function ran(
  lies: Parameters<typeof TestGateway.open>[1] = {},
  more: {
    readonly cloud?: Partial<FieldCloud>;
    readonly order?: Partial<Order>;
    readonly described?: Partial<Reply<'describe'>>;
    readonly inForce?: Site;
  } = {},
): Promise<Ran> {
  const gateway = await TestGateway.open(signer, lies, more.described, more.inForce);
  const { cloud, kept } = await testCloud(more.cloud);
  const events: ProvisionEvent[] = [];
  try {
    const description = await gateway.line.ask('describe', {});
    const parts = {
      line: gateway.line,
      source: { way: 'online', cloud, organisation: 'harbour' } as const,
      report: (event: ProvisionEvent) => void events.push(event),
      now: () => Date.parse('2026-11-22T12:00:00Z'),
      tool: 'loadline test',
      recordPath: () => join(folder, `${++records}.json`),
    };
    const result = await new Provisioning(parts, description).run({ ...order, ...more.order }, false);
    return { result, gateway, events, kept };
  } finally {
    await gateway.close();
  }
}

const flipped = (text: string) => `${text.startsWith('A') ? 'B' : 'A'}${text.slice(1)}`;

test('asks its questions in their order, and ends with the record at the cloud', async () => {
  const { result, gateway, kept, events } = await ran();
  assert.is(result.result, 'provisioned', String(result.says));
  const all: QuestionName[] = [
    'describe',
    'own',
    'listen',
    'listen',
    'key',
    'write',
    'read',
    'commit',
    'trial',
    'sign',
  ];
  assert.equal(gateway.asked, [...all, 'close']);
  assert.equal(gateway.site?.configuration.ports, [{ name: 'radio', path: '/dev/radio' }]);
  assert.is(gateway.site?.network.wifi?.passphrase, 'correct horse');
  const [record] = kept;
  const { where, technician, certificate, serialNumber } = JSON.parse(record?.record ?? '');
  assert.equal([where, technician, serialNumber], ['a bench', 'anna@example.org', 'S-1']);
  assert.is(certificate, result.fingerprint);
  const file = JSON.parse(readFileSync(result.record ?? '', 'utf8'));
  assert.equal([file.record, file.kept], [record?.record, true]);
  assert.not.match(JSON.stringify(events), 'correct horse');
});

test('a key that is another than the request’s is not believed, and nothing is certified', async () => {
  const certificate = async () => assert.unreachable('nothing is certified') as never;
  const byStranger = (reply: Reply<'key'>) => ({
    ...reply,
    proof: Buffer.from(stranger.sign(Buffer.from('anything'))).toString('base64'),
  });
  const { result, gateway } = await ran({ key: byStranger }, { cloud: { certificate } });
  assert.equal([result.result, result.step], ['failed', 'key']);
  assert.match(result.says ?? '', 'has not proven that it has its key');
  assert.not.ok(gateway.asked.includes('write'));
});

test('a request for another name is not taken, however well it is proven', async () => {
  const other = (_: Reply<'key'>, { gatewayId, challenge }: { gatewayId: string; challenge: string }) => {
    const request = createSigningRequest({ commonName: 'mast-8', signer });
    const proven = keyProof({ challenge, nonce: '5'.repeat(32), serialNumber: 'S-1', gatewayId, request });
    return { request, proof: Buffer.from(signer.sign(proven)).toString('base64') };
  };
  const certificate = async () => assert.unreachable('nothing is certified') as never;
  const { result } = await ran({ key: other }, { cloud: { certificate } });
  assert.match(result.says ?? '', 'is for mast-8, and mast-7 was asked for');
});

test('a proof for another tool’s challenge is not believed', async () => {
  let first: Reply<'key'> | undefined;
  const replayed = (reply: Reply<'key'>) => {
    first ??= reply;
    return first;
  };
  assert.is((await ran({ key: replayed })).result.result, 'provisioned');
  const again = await ran({ key: replayed });
  assert.match(again.result.says ?? '', 'not by the key of its certificate request');
});

test('what is read back must be what was written: each part of it is looked at', async () => {
  const lies: [string, (reply: Reply<'read'>) => Reply<'read'>][] = [
    ['the digest of the whole', (reply) => ({ ...reply, digest: '0'.repeat(64) })],
    ['its id', (reply) => ({ ...reply, gatewayId: 'mast-8' })],
    ["the fleet's authority", (reply) => ({ ...reply, authority: [...reply.authority, '0'.repeat(64)] })],
    ['its certificate', (reply) => ({ ...reply, chain: [] })],
    ['its secrets', (reply) => ({ ...reply, secrets: { 'network.wifi.passphrase': '0'.repeat(64) } })],
    ['the table sensors', (reply) => ({ ...reply, configuration: { ...reply.configuration, sensors: [] } })],
    [
      'the table uplink',
      (reply) => ({ ...reply, configuration: { ...reply.configuration, uplink: { host: 'x' } } }),
    ],
    [
      'a table drivers, which nobody wrote',
      (reply) => ({ ...reply, configuration: { ...reply.configuration, drivers: [] } }),
    ],
    [
      'the id in its configuration',
      (reply) => ({ ...reply, configuration: { ...reply.configuration, gateway: {} } }),
    ],
  ];
  for (const [part, read] of lies) {
    const { result, gateway } = await ran({ read });
    assert.equal([result.result, result.step], ['failed', 'read'], part);
    assert.match(result.says ?? '', part);
    assert.not.ok(gateway.asked.includes('commit'), part);
  }
});

test('a certificate for another name or key is not written', async () => {
  const { cloud } = await testCloud();
  const other = {
    certificate: async (organisation: string, _: string, request: string) => {
      const { createSigningRequest } = await import('@loadline/sdk/identity');
      const foreign = createSigningRequest({ commonName: 'mast-7', signer: stranger });
      assert.ok(request);
      return await cloud.certificate(organisation, 'mast-7', foreign);
    },
  };
  const { result, gateway } = await ran({}, { cloud: other });
  assert.equal([result.result, result.step], ['failed', 'certificate']);
  assert.not.ok(gateway.asked.includes('write'));
});

test('a record that another key has signed is not kept, and the gateway is in force all the same', async () => {
  const sign = (_: Reply<'sign'>, { record }: { record: string }) => ({
    signature: Buffer.from(stranger.sign(recordToSign(record))).toString('base64'),
  });
  const { result, kept } = await ran({ sign });
  assert.equal([result.result, result.exitCode, kept.length], ['record-not-kept', 8, 0]);
  const altered = await ran({ sign: ({ signature }) => ({ signature: flipped(signature) }) });
  assert.is(altered.result.result, 'record-not-kept');
});

test('what the gateway refuses is told with its code and what to do, and is an exit code of its own', async () => {
  const { result } = await ran({ own: () => refuse('voucher-refused', 'it answers another session') });
  assert.equal([result.result, result.exitCode, result.code], ['refused-by-gateway', 5, 'voucher-refused']);
  assert.match(result.act ?? '', 'serial number');
});

test('what the cloud refuses is another one, and so is a cloud that is not there', async () => {
  const refused = async () => {
    throw new CloudError(403, 'forbidden', 'this needs vouchers.create');
  };
  const { result } = await ran({}, { cloud: { voucher: refused } });
  assert.equal(
    [result.result, result.exitCode, result.code, result.step],
    ['refused-by-cloud', 6, 'forbidden', 'own'],
  );
  const away = async () => {
    throw new UnreachableError('https://cloud.example', new Error('no route'));
  };
  assert.is((await ran({}, { cloud: { certificate: away } })).result.exitCode, 3);
});

test('after the commit, a trial without a reading is no failure to provision, and says so', async () => {
  const { result } = await ran({ trial: () => refuse('trial-failed', 'it came as far as "connecting"') });
  assert.equal([result.result, result.exitCode, result.step], ['not-delivered', 7, 'trial']);
});

test('the gateway’s word for its reading is compared with the cloud’s', async () => {
  const { result } = await ran({}, { cloud: { stored: async () => 0 } });
  assert.is(result.result, 'not-delivered');
  assert.match(result.says ?? '', 'the cloud has none of mast-7');
  assert.is((await ran({}, { cloud: { stored: async () => null } })).result.result, 'provisioned');
});

test('a record that the cloud does not take is kept here', async () => {
  const keep = async () => {
    throw new CloudError(403, 'forbidden', 'no');
  };
  const { result } = await ran({}, { cloud: { keep } });
  assert.equal([result.result, result.exitCode], ['record-not-kept', 8]);
  assert.is(JSON.parse(readFileSync(result.record ?? '', 'utf8')).kept, false);
});

test('an id that works on another board is left to it, unless this one takes its place', async () => {
  const cloud = { known: async () => ({ reported: true }) };
  const { result } = await ran({}, { cloud });
  assert.match(result.says ?? '', 'is at work already, on another board');
  assert.is((await ran({}, { cloud, order: { replace: true } })).result.result, 'provisioned');
});

const present = {
  ...{ publicKey: signer.publicKeyPem, authority: ['a'.repeat(64)], ownershipCounter: 3 },
  ...{ voucher: 'b'.repeat(64), site: 'c'.repeat(64) },
};
const asIt = {
  state: 'provisioned',
  gateway: { id: 'mast-7', organisation: 'harbour', fingerprint: 'd'.repeat(64), expires: 0 },
  inForce: present,
} as const;

/** What is in force after the order was carried out. */
const siteInForce = (of: Partial<Order> = {}): Site =>
  siteOf({ ...order, ...of }, [{ name: 'radio', path: '/dev/radio' }], {
    organisation: 'harbour',
    authority: '',
    chain: null,
    enrolment: { url: 'https://cloud.example:8443', secret: null },
    uplink: { host: 'cloud.example', port: null },
  });

test('a gateway that another attempt put in force gets its trial and its record, and no new key', async () => {
  const { result, gateway: asked, kept } = await ran({}, { described: asIt, inForce: siteInForce() });
  assert.is(result.result, 'provisioned', String(result.says));
  assert.equal(asked.asked, ['describe', 'own', 'read', 'trial', 'sign', 'close']);
  const { ownershipCounter, voucher, site } = JSON.parse(kept[0]?.record ?? '');
  assert.equal([ownershipCounter, voucher, site], [3, present.voucher, present.site]);
});

test('one whose site is another than what is ordered is left as it is, and what differs is named', async () => {
  const { uplink, network, secrets } = order;
  const others: [named: string, of: Partial<Order>][] = [
    ['gateway.name', { name: 'Mast 8' }],
    ['network', { network: { ...network, ntp: ['time.example'] } }],
    ['network.wifi', { network: { ...network, wifi: { ssid: 'quay', country: 'FR' } } }],
    ["network.wifi's passphrase", { secrets: { ...secrets, wifiPassphrase: 'another horse' } }],
    ["uplink.proxy's password", { secrets: { ...secrets, proxyPassword: 'open' } }],
    ['uplink', { uplink: { ...uplink, rest: {} } }],
    ['uplink', { uplink: { ...uplink, host: 'other.example' } }],
    ['cloud.url', { cloudUrl: 'https://other.example' }],
    ['ports', { ports: [{ name: 'radio', path: '/dev/other' }] }],
    ['sensors', { tables: { sensors: [{ tag: '25df', name: 'Gust', unit: 'm/s' }] } }],
    ['health', { tables: { ...order.tables, health: { interval_seconds: 5 } } }],
  ];
  for (const [named, of] of others) {
    const { result, gateway } = await ran({}, { described: asIt, inForce: siteInForce(), order: of });
    assert.equal([result.result, result.exitCode, result.step], ['failed', 1, 'compare'], named);
    assert.match(
      result.says ?? '',
      `it is mast-7 already, and not as ordered: ${named}; nothing was changed`,
    );
    assert.match(result.act ?? '', '--rewrite');
    assert.equal(gateway.asked, ['describe', 'own', 'read']);
  }
  const more = siteInForce({ tables: { ...order.tables, copies: { window_ms: 5 } } });
  assert.match((await ran({}, { described: asIt, inForce: more })).result.says ?? '', 'as ordered: copies;');
});

test('a kit, to which nothing is shown, tells by the digest whether it is what is ordered', () => {
  const from = {
    ...{ organisation: 'harbour', authority: '', chain: null, uplink: { host: 'cloud.example', port: 8883 } },
    enrolment: { url: 'https://cloud.example:8443', secret: 'one-time' },
  };
  const paths = ['/dev/a', '/dev/b', '/dev/c'];
  const ports = paths.map((path) => ({ path, holder: null }));
  const heard = [
    { name: 'radio', path: '/dev/a' },
    { name: 'radio-2', path: '/dev/c' },
  ];
  const site = createHash('sha256')
    .update(JSON.stringify(siteOf(order, heard, from)))
    .digest('hex');
  const described = { inForce: { ...present, site }, ports };
  checkDigest(order, from, described);
  assert.throws(() => checkDigest({ ...order, name: 'Mast 8' }, from, described), /not as ordered/);
  assert.throws(() => checkDigest({ ...order, ports: [] }, from, described), /not as ordered/);
});

test('no sensor heard, and no way to know where they are: says so, and what holds a port', async () => {
  const ports = [
    { path: '/dev/a', holder: 'ModemManager (pid 7)' },
    { path: '/dev/b', holder: null },
    { path: '/dev/c', holder: null },
  ];
  const { result } = await ran(
    { listen: (honest) => honest },
    { described: { ports }, order: { listenSeconds: 1, tables: { sensors: [{ tag: 'A001' }] } } },
  );
  assert.equal([result.result, result.step], ['failed', 'hear']);
  assert.match(result.act ?? '', 'ModemManager (pid 7)');
});

test.run();
