// @long
// Whatever ends a gateway's certificate ends what is open by it, within 2 s of the answer that says so, at each door.
import { randomUUID, X509Certificate } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Open } from '../inhabited/followers.ts';
import { until } from '../rig/index.ts';
import { awakeMilliseconds } from '../system/index.ts';
import { connectGateway, enrolIdentity, type GatewayIdentity } from '../system/mqtt-gateway.ts';
import { type By, gatewayLink } from './device-doors.ts';
import { type EstConnection, estConnection } from './est-connection.ts';
import { type TemporaryCloud, temporaryCloud } from './temporary-cloud.ts';

const test = suite('revocation of certificates');

/** What the product promises, in ms from the answer to the request that revokes. */
const promised = 2000;

let temporary: TemporaryCloud;
const organisation = () => temporary.cloud.organisation;

/** What a gateway has open: its link by one of the two ways to MQTT, and connections to EST. */
interface Presence {
  readonly identity: GatewayIdentity;
  readonly link: Open;
  readonly est: readonly EstConnection[];
  /** A TLS session by its certificate. */
  readonly session: Buffer;
}

async function present(by: By, identity?: GatewayIdentity): Promise<Presence> {
  const { cloud } = temporary;
  const who = identity ?? (await enrolIdentity(cloud, `gateway-${randomUUID()}`));
  const link = await gatewayLink(cloud, who, by);
  const first = await estConnection(cloud, who);
  const session = await until(() => first.session, { what: 'a ticket' });
  const resumed = await estConnection(cloud, who, session);
  assert.is(resumed.isResumed, true, 'the control: it is resumed');
  return { identity: who, link, est: [first, resumed], session };
}

const fingerprintOf = ({ chainPem }: GatewayIdentity) =>
  new X509Certificate(chainPem).fingerprint256.replaceAll(':', '').toLowerCase();

/** Waits for the end of each, longer than promised, so that what comes late is told by how much. */
async function assertEnded(opens: Readonly<Record<string, Open>>, answered: number): Promise<void> {
  await until(() => Object.values(opens).every(({ ended }) => ended !== undefined)).catch(() => {});
  for (const [name, { ended, close }] of Object.entries(opens)) {
    close();
    assert.ok(ended !== undefined, `${name} is open still`);
    assert.ok(ended - answered <= promised, `${name} was open for ${ended - answered} ms`);
  }
}

/** Has everything end that a gateway has open, and tries to get in again by each door. */
async function assertAllEnds(
  { identity, link, est: [first, resumed], session }: Presence,
  code: string,
  end: () => Promise<unknown>,
): Promise<void> {
  const { cloud } = temporary;
  await end();
  const answered = awakeMilliseconds();
  // At once, and not only when somebody has looked: by what is open, by a new handshake, and by a session from before.
  assert.is(await first?.renew(), code);
  for (const ticket of [undefined, session]) {
    const again = await estConnection(cloud, identity, ticket);
    assert.is(again.isResumed, ticket !== undefined);
    assert.is(await again.renew(), code);
    again.close();
  }
  for (const by of ['port', 'alpn'] as const) {
    await connectGateway(portOf(by), identity, by).then(
      () => assert.unreachable(`it was let in by ${by}`),
      (error: Error) => assert.match(error.message, /not authorized/i),
    );
  }
  await assertEnded({ link, 'a connection': first as Open, 'a resumed one': resumed as Open }, answered);
  assert.match(link.said, `"${code}"`);
}

function portOf(by: By): number {
  return by === 'port' ? temporary.cloud.mqttPort : temporary.cloud.httpsPort;
}

test.before(async () => {
  temporary = await temporaryCloud();
});
test.after(() => temporary.end());

for (const by of ['port', 'alpn'] as const) {
  test(`a certificate is revoked: all that is open by it ends, MQTT by ${by} among it`, async () => {
    const presence = await present(by);
    const other = await present(by);
    const { id: device } = presence.identity;
    const certificate = fingerprintOf(presence.identity);
    await assertAllEnds(presence, 'certificate-revoked', () =>
      organisation().revokeCertificate({ device, certificate }),
    );
    const { items } = await organisation().listCertificates({ device });
    assert.equal(
      items.map(({ id, reason }) => [id, reason]),
      [[certificate, 'revoked']],
    );
    // Nothing else ends, and what looks once a second has looked by now.
    assert.is(other.link.ended, undefined);
    assert.equal(
      other.est.map(({ ended }) => ended),
      [undefined, undefined],
    );
    for (const open of [other.link, ...other.est]) open.close();
    // The gateway comes back by a new secret.
    const back = await present(by, await enrolIdentity(temporary.cloud, device));
    for (const open of [back.link, ...back.est]) open.close();
  });

  test(`a gateway is switched off, and on again, MQTT by ${by}`, async () => {
    const presence = await present(by);
    const { id: device } = presence.identity;
    await assertAllEnds(presence, 'device-disabled', () =>
      organisation().patchDevice({ device, body: { enabled: false } }),
    );
    await organisation().patchDevice({ device, body: { enabled: true } });
    const back = await present(by, presence.identity);
    for (const open of [back.link, ...back.est]) open.close();
  });

  test(`a gateway is retired, MQTT by ${by}`, async () => {
    const presence = await present(by);
    const { id: device } = presence.identity;
    await assertAllEnds(presence, 'device-retired', () => organisation().retireDevice({ device }));
  });

  test(`a newer certificate is used, MQTT by ${by}: what is open by the older one ends`, async () => {
    const { identity, link, est, session } = await present(by);
    const { cloud } = temporary;
    const next = await enrolIdentity(cloud, identity.id);
    assert.is(await est[0]?.renew(), 'renewed', 'the control: both are good until then');
    // The certificate that was given for the one before is newer still: the next one of a gateway is the last one.
    const last = await enrolIdentity(cloud, identity.id);
    const after = await gatewayLink(cloud, last, by);
    const used = awakeMilliseconds();
    await assertEnded({ link, 'a connection': est[0] as Open, 'a resumed one': est[1] as Open }, used);
    assert.match(link.said, '"session-taken-over"');
    for (const [older, ticket] of [
      [identity, undefined],
      [identity, session],
      [next, undefined],
    ] as const) {
      const again = await estConnection(cloud, older, ticket);
      assert.is(await again.renew(), 'certificate-superseded');
      again.close();
    }
    assert.is(after.ended, undefined, 'the newer one stays');
    after.close();
  });
}

test.run();
