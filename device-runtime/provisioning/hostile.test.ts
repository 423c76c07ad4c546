import { X509Certificate } from 'node:crypto';
import { createSigningRequest, generateKeyPair, softwareSigner } from '@loadline/sdk/identity';
import { type QuestionName, questions, siteBytes } from '@loadline/sdk/provisioning';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Refused } from './refused.ts';
import { certify, challenge, type Fleet, makeFleet, siteText, TestBoard, voucherOf } from './test-parts.ts';
import { fingerprintOf } from './voucher.ts';

const test = suite('what is shown to a board that it must not take');

const day = 86_400_000;
let fleet: Fleet;
let stranger: Fleet;
let board: TestBoard;
test.before(async () => {
  [fleet, stranger] = await Promise.all([makeFleet(), makeFleet()]);
});
test.before.each(async () => {
  board = await TestBoard.make(fleet.certificatePem);
});
test.after.each(() => board.remove());

/** A session with an owner and a key. */
async function ownedSession() {
  const session = board.session();
  await session.ask('own', { voucher: voucherOf(fleet) });
  const { request } = await session.ask('key', { gatewayId: 'mast-1', challenge });
  return { session, request };
}

test('a voucher that is for another board, session, time or counter, or by another signer', async () => {
  const session = board.session();
  const { nonce } = await session.ask('describe', {});
  const other = nonce.replace(/./g, (digit) => (digit === '0' ? '1' : '0'));
  const refused = {
    'is for the board BOARD-2': voucherOf(fleet, { serialNumber: 'BOARD-2', nonce }),
    'answers another session': voucherOf(fleet, { nonce: other }),
    'was not issued under the authority': voucherOf(stranger, { nonce }),
    'is not base64': 'not a voucher!',
    'the voucher is refused': Buffer.from('garbage').toString('base64'),
  };
  for (const [why, voucher] of Object.entries(refused)) {
    const refusal = await session.refusal('own', { voucher });
    assert.match(refusal, /^voucher-refused: /);
    assert.match(refusal, why);
  }
  assert.match(await session.refusal('key', { gatewayId: 'mast-1', challenge }), /^not-owned: /);
  await session.ask('own', { voucher: voucherOf(fleet, { nonce }) });
});

test('a voucher that is over, as far as the time is known', async () => {
  const stale = voucherOf(fleet, { createdOn: Date.now() - 2 * day, expiresOn: Date.now() - day });
  board.time = { kind: 'known', wall: Date.now() };
  assert.match(await board.session().refusal('own', { voucher: stale }), /^voucher-refused: .*it ended at/);
  // A board that only knows that it is not 1970 cannot tell.
  board.time = { kind: 'at-least', wall: Date.now() - 3 * day };
  await board.session().ask('own', { voucher: stale });
});

test('a voucher that was used: its counter is not above the one kept', async () => {
  const { session } = await ownedSession();
  const { digest } = await session.ask('write', { site: siteText(fleet) });
  await session.ask('commit', { digest });
  const refusal = await board.session().refusal('own', { voucher: voucherOf(fleet) });
  assert.match(refusal, /^voucher-refused: .*counter is 1, and the last one taken was 1/);
  await board.session().ask('own', { voucher: voucherOf(fleet, { ownershipCounter: 2 }) });
});

test('of two that showed a voucher over two lines, the later one is the owner, whoever comes first', async () => {
  const late = await ownedSession();
  const { digest } = await late.session.ask('write', { site: siteText(fleet) });
  const other = board.session();
  await other.ask('own', { voucher: voucherOf(fleet, { organisation: 'other', ownershipCounter: 2 }) });
  await other.ask('key', { gatewayId: 'mast-9', challenge });
  const site = siteText(fleet, { gatewayId: 'mast-9', organisation: 'other' });
  await other.ask('commit', await other.ask('write', { site }));
  for (const [name, body] of [
    ['commit', { digest }],
    ['key', { gatewayId: 'mast-1', challenge }],
    ['read', {}],
    ['reset', {}],
    ['listen', { on: true }],
  ] as const) {
    assert.match(await late.session.refusal(name, body), /^not-owned: the gateway has another owner/, name);
  }
  assert.is(board.store.inForce?.organisation, 'other');
});

test('vouchers without end: ten within a minute, and then nobody is listened to, also on another line', async () => {
  for (let attempt = 0; attempt < 10; attempt++) {
    assert.match(await board.session().refusal('own', { voucher: 'AAAA' }), /^voucher-refused: the voucher/);
  }
  board.now = 20_000;
  const refusal = await board.session().refusal('own', { voucher: voucherOf(fleet) });
  assert.match(refusal, /^voucher-refused: 10 vouchers were shown within a minute: wait 40 s/);
  board.now = 60_001;
  await board.session().ask('own', { voucher: voucherOf(fleet) });
});

test('a site that cannot be used is refused whole, and each wrong key is named', async () => {
  const { session } = await ownedSession();
  const configuration = JSON.parse(siteText(fleet)).configuration;
  const wifi = { ssid: 'mast', passphrase: 'long enough', country: 'DE' };
  const cases: [wrong: Record<string, unknown>, named: RegExp][] = [
    [{ organisation: 'other' }, /organisation must be acme/],
    [{ enrolment: { url: 'https://cloud.example', secret: null } }, /enrolment\.secret is needed/],
    [
      { enrolment: { url: 'https://cloud.example', secret: 'with a\nsecond line' } },
      /enrolment\.secret must be printable/,
    ],
    [
      { enrolment: { url: 'https://a:b@cloud.example', secret: 'x'.repeat(20) } },
      /enrolment\.url must not carry/,
    ],
    [{ authority: stranger.certificatePem }, /authority holds CN=Fleet: neither/],
    [{ authority: fleet.voucherSigner.certificatePem }, /authority holds CN=vouchers: neither/],
    [
      { authority: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' },
      /authority holds something/,
    ],
    [
      { configuration: { ...configuration, gateway: { id: 'mast-2' } } },
      /configuration\.gateway is only for/,
    ],
    [
      { configuration: { ...configuration, drivers: [{ name: 'x', module: '/tmp/x.mjs' }] } },
      /configuration\.drivers is only/,
    ],
    [
      { configuration: { ...configuration, control: { socket: '/tmp/x' } } },
      /configuration\.control is only/,
    ],
    [
      { configuration: { ...configuration, uplink: { host: 'x', authority: '/etc/passwd' } } },
      /configuration\.uplink\.authority is only/,
    ],
    [
      {
        configuration: {
          ...configuration,
          uplink: { host: 'x', proxy: { url: 'http://p:1', user: 'u', password_file: '/etc/shadow' } },
        },
      },
      /configuration\.uplink\.proxy\.password_file is only/,
    ],
    [{ configuration: { ...configuration, ports: [] } }, /configuration\.ports at least one/],
    [
      { configuration: { ...configuration, sensors: [{ tag: 'XYZ', name: '', unit: 'm' }] } },
      /sensors\[1\]\.tag .*\n.*sensors\[1\]\.name/,
    ],
    [{ configuration: { ...configuration, sensors: [null] } }, /configuration/],
    [
      {
        configuration: {
          ...configuration,
          ports: [{ name: 'radio', path: '/x', driver: 'so', options: { template: 5 } }],
        },
      },
      /configuration\.ports\[1\]/,
    ],
    [{ proxyPassword: 'secret' }, /proxyPassword is for a proxy/],
    [
      { network: { addresses: { by: 'dhcp' }, wifi: { ...wifi, ssid: 'ä'.repeat(20) } } },
      /network\.wifi\.ssid must have at most 32 bytes/,
    ],
    [
      { network: { addresses: { by: 'dhcp' }, ntp: ['a\nDNS=6.6.6.6'] } },
      /network\.ntp\[1\] must be a host name/,
    ],
    [{ network: { addresses: { by: 'dhcp' }, interface: '../x' } }, /network\.interface/],
    [{ extra: 1 }, /extra/i],
  ];
  for (const [wrong, named] of cases) {
    const refusal = await session.refusal('write', { site: siteText(fleet, wrong) });
    assert.match(refusal, /^site-invalid: /, JSON.stringify(wrong));
    assert.match(refusal, named);
    assert.not.match(refusal, /long enough|with a/);
  }
  assert.match(
    await session.refusal('write', { site: '{"version":' }),
    /^site-invalid: the site is not JSON/,
  );
  const large = siteText(fleet, { configuration: { ...configuration, pad: 'x'.repeat(siteBytes) } });
  assert.match(await session.refusal('write', { site: large }), /^site-invalid: .*\nit has \d+ bytes/);
  assert.match(await session.refusal('read', {}), /^nothing-written: /);
});

test('a root that nobody vouches for is left out, and what it has issued is refused', async () => {
  const { session, request } = await ownedSession();
  const authority = `${stranger.certificatePem}${fleet.certificatePem}`;
  await session.ask('write', { site: siteText(fleet, { authority }) });
  const { authority: kept } = await session.ask('read', {});
  assert.equal(kept, [fingerprintOf(new X509Certificate(fleet.certificatePem))]);
  const enrolment = { url: 'https://cloud.example', secret: null };
  const site = siteText(fleet, { authority, enrolment, chain: certify(stranger, request) });
  assert.match(await session.refusal('write', { site }), /^chain-refused: .* was not issued under/);
});

test('a chain that is for another key, another name or of another authority', async () => {
  const { session, request } = await ownedSession();
  const write = (chain: string, of: Record<string, unknown> = {}) =>
    session.refusal('write', {
      site: siteText(fleet, { chain, enrolment: { url: 'https://cloud.example', secret: null }, ...of }),
    });
  const signer = softwareSigner((await generateKeyPair()).privateKeyPem);
  const others = createSigningRequest({ commonName: 'mast-1', signer });
  assert.match(await write(certify(fleet, others)), /^chain-refused: .* is for another key/);
  assert.match(await write(certify(fleet, request, 'mast-2')), /^chain-refused: .* is not for mast-1/);
  assert.match(await write(certify(stranger, request)), /^chain-refused: .* was not issued under/);
  assert.match(await write(fleet.voucherSigner.certificatePem), /^chain-refused: /);
  const both = { enrolment: { url: 'https://cloud.example', secret: 'x'.repeat(20) } };
  assert.match(
    await write(certify(fleet, request), both),
    /^site-invalid: .*\nenrolment\.secret must be null/,
  );
  assert.is(await write(certify(fleet, request)), 'answered');
});

test('who asks to listen many times at once listens once, and not beyond his session', async () => {
  const session = board.session();
  await session.ask('own', { voucher: voucherOf(fleet) });
  await Promise.all(Array.from({ length: 20 }, () => session.ask('listen', { on: true })));
  assert.is(board.listeners, 1);
  const late = session.ask('listen', { on: true });
  await session.end();
  await late;
  assert.is(board.listeners, 0);
});

test('anything at all is answered, or refused by a name', async () => {
  const { session } = await ownedSession();
  const names = (Object.keys(questions) as QuestionName[]).filter((name) => name !== 'trial');
  const question = fc.tuple(fc.constantFrom(...names), fc.anything());
  await fc.assert(
    fc.asyncProperty(fc.array(question, { maxLength: 8 }), async (asked) => {
      for (const [name, body] of asked) {
        await session.raw(name, body).catch((error: unknown) => {
          if (!(error instanceof Refused)) throw error;
        });
      }
    }),
    { numRuns: 60 },
  );
  const sites = fc.json().map((json) => ({ site: json }));
  await fc.assert(
    fc.asyncProperty(sites, async (body) => {
      assert.match(await session.refusal('write', body), /^(?:site-invalid|key-missing|not-owned): /);
    }),
    { numRuns: 60 },
  );
  assert.is(board.store.inForce, undefined);
});

test.run();
