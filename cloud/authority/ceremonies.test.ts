// @long
import { X509Certificate } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chainFault } from '@loadline/sdk/trust';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type Authority,
  crossSign,
  distrustIssuer,
  forgetRootKey,
  heldBy,
  install,
  makeRequest,
  overviewOf,
  replaceIssuer,
  retireRoot,
  withdrawRequest,
} from './index.ts';
import { keys, open, requestFor, says, withFolder } from './test-parts.ts';
import { type OfflineRoot, offlineRoot } from './test-root.ts';

const test = suite('ceremonies');

const day = 24 * 3_600_000;
const agreed = { agree: async () => {}, overlap: 'demanded' } as const;

const at = (folder: string, now: () => number = Date.now) => ({ folder, keys, now });

const refused = (done: Promise<unknown>, code: string, piece: RegExp) =>
  done.then(
    () => assert.unreachable(`expected ${code}`),
    (error: unknown) => assert.ok(says(error, code, piece), String(error)),
  );

/** The certificates of a chain, DER, as TLS presents them. */
function chainOf(pem: string): Uint8Array[] {
  return (pem.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----\n/g) ?? []).map(
    (one) => new X509Certificate(one).raw,
  );
}

/** What a gateway finds wrong with the cloud that knows only this root. */
async function faultOf(
  authority: Authority,
  rootPem: string,
  wall = Date.now(),
): Promise<string | undefined> {
  const { certificatePem } = await authority.issueServer({ names: [] });
  const claim = { kind: 'server', host: 'localhost' } as const;
  return chainFault({
    ...{ presented: chainOf(certificatePem), authorityPem: rootPem },
    ...{ claim, time: { kind: 'known', wall } },
  });
}

/** What the cloud finds wrong with a gateway. */
function clientFaultOf(authority: Authority, chainPem: string): string | undefined {
  return chainFault({
    ...{ presented: chainOf(chainPem), authorityPem: authority.clientTrust() },
    claim: { kind: 'client', commonName: 'gateway-1' },
    time: { kind: 'known', wall: Date.now() },
  });
}

/** A cloud whose root is offline. */
async function begun(folder: string, root: OfflineRoot): Promise<Authority> {
  const { requestPem } = await makeRequest(at(folder));
  await install(at(folder), root.sign(requestPem) + root.certificatePem, agreed);
  return (await open(folder)).authority;
}

test('begin with a root that is never here: the request waits, and what comes back is installed', () =>
  withFolder(async (folder) => {
    const root = await offlineRoot('Offline');
    const first = await makeRequest(at(folder));
    assert.ok(first.isNew);
    assert.equal(await makeRequest(at(folder)), { ...first, isNew: false });
    await refused(open(folder), 'authority-waiting', /install that.*withdraw/);
    const shown: string[] = [];
    await install(at(folder), root.sign(first.requestPem) + root.certificatePem, {
      overlap: 'demanded',
      agree: async ({ roots, issuer }) => {
        shown.push(...roots.map(({ pem }) => pem));
        assert.is(issuer?.details.publicKeyPem, first.publicKeyPem);
      },
    });
    assert.equal(shown, [root.certificatePem]);
    const { authority, log } = await open(folder);
    assert.is(authority.certificatePem, root.certificatePem);
    assert.is(await readFile(join(folder, 'authority.pem'), 'utf8'), root.certificatePem);
    assert.not.ok(authority.standing().root.isOnline);
    // Both are recorded by the cloud that takes them up, once.
    assert.equal(
      log.map(({ profile, issuerFingerprint }) => [profile, issuerFingerprint]),
      [
        ['authority', root.fingerprint],
        ['authority', root.fingerprint],
      ],
    );
    assert.equal((await open(folder)).log, []);
    assert.is(await faultOf(authority, root.certificatePem), undefined);
    assert.not.match(await readFile(join(folder, 'authority.json'), 'utf8'), /PRIVATE KEY/);
  }));

test('take a request back: the cloud makes a root of its own', () =>
  withFolder(async (folder) => {
    await makeRequest(at(folder));
    assert.is(await withdrawRequest(at(folder)), true);
    assert.is(await withdrawRequest(at(folder)), false);
    assert.ok((await open(folder)).authority.standing().root.isOnline);
  }));

test('install nothing that does not fit, and say why', () =>
  withFolder(async (folder) => {
    const [root, other] = [await offlineRoot('Offline'), await offlineRoot('Other')];
    const { authority } = await open(folder);
    const online = authority.certificatePem;
    const { requestPem } = await makeRequest(at(folder));
    const before = await heldBy(folder);
    const good = root.sign(requestPem);
    const stranger = await requestFor('Issuer');
    const ended = await offlineRoot('Ended', Date.now() - 3 * day, 2);
    const early = await offlineRoot('Early', Date.now() + 5 * day);
    const leaf = (await authority.issueGateway((await requestFor('g')).requestPem, 'g')).certificatePem;
    const refusals: [string, RegExp][] = [
      ['hello', /no certificate/],
      [`${good}${stranger.privateKeyPem}`, /private key.*only certificates travel/],
      [good, /signed by no root.*install its root with it/],
      [good + other.certificatePem, /signed by no root/],
      [root.sign(stranger.requestPem) + root.certificatePem, /not for the key of the request that waits/],
      [ended.certificatePem, /'Ended' ended at/],
      [early.certificatePem, /'Early' begins at.*clock/],
      [leaf, /not an authority's/],
      [online, /installed already/],
      [good + root.certificatePem, /who knows only 'Loadline fleet authority [0-9a-f]{8}'.*cross-sign/],
    ];
    for (const [text, why] of refusals) {
      await refused(install(at(folder), text, agreed), 'installation-refused', why);
    }
    const doubt = {
      overlap: 'demanded',
      agree: () => Promise.reject(new Error('these are not the digits')),
    } as const;
    await install(at(folder), good + root.certificatePem, { ...doubt, overlap: 'given-up' }).then(
      () => assert.unreachable('it was installed'),
      (error: Error) => assert.match(error.message, /not the digits/),
    );
    assert.equal(await heldBy(folder), before);
    await install(at(folder), good + root.certificatePem, { ...agreed, overlap: 'given-up' });
    await authority.refresh();
    assert.is(await faultOf(authority, root.certificatePem), undefined);
    assert.match(String(await faultOf(authority, online)), /not issued under the authority/);
  }));

test('replace an issuing certificate: a cloud at work takes it up, and what was issued stays good', () =>
  withFolder(async (folder) => {
    const root = await offlineRoot('Offline');
    const authority = await begun(folder, root);
    const { requestPem } = await requestFor('gateway-1');
    const older = await authority.issueGateway(requestPem, 'gateway-1');
    const shown = await authority.issueServer({ names: [] });
    let changes = 0;
    const stop = authority.onChange(() => {
      changes += 1;
    });
    assert.is(await authority.refresh(), false);
    const next = await makeRequest(at(folder));
    // A request changes nothing that is believed or shown.
    assert.is(await authority.refresh(), false);
    assert.is((await authority.issueServer({ names: [] })).certificatePem, shown.certificatePem);
    await install(at(folder), root.sign(next.requestPem), agreed);
    assert.is(await authority.refresh(), true);
    assert.is(changes, 1);
    stop();
    const newer = await authority.issueGateway(requestPem, 'gateway-1');
    assert.is.not(newer.issuerFingerprint, older.issuerFingerprint);
    assert.is.not((await authority.issueServer({ names: [] })).certificatePem, shown.certificatePem);
    for (const { chainPem, certificatePem } of [older, newer]) {
      assert.is(clientFaultOf(authority, chainPem), undefined);
      assert.is(clientFaultOf(authority, certificatePem), undefined);
    }
    const { issuers } = await heldBy(folder);
    assert.equal(
      issuers.map(({ key }) => key === null),
      [false, true],
    );
  }));

test('replace the root: who knows only the old one still believes the cloud, and can judge what it is given', () =>
  withFolder(async (folder) => {
    const { authority } = await open(folder);
    const old = authority.certificatePem;
    const { requestPem } = await requestFor('gateway-1');
    const older = await authority.issueGateway(requestPem, 'gateway-1');
    const root = await offlineRoot('Offline');
    const next = await makeRequest(at(folder));
    const cross = await crossSign(at(folder), root.certificatePem);
    const files = root.sign(next.requestPem) + root.certificatePem + cross.pem;
    const { roots, crosses } = await install(at(folder), files, agreed);
    assert.equal([roots.length, crosses.length], [1, 1]);
    await authority.refresh();
    assert.is(authority.certificatePem, root.certificatePem);
    assert.is(authority.rootsPem, root.certificatePem + old);
    assert.is(await readFile(join(folder, 'authority.pem'), 'utf8'), root.certificatePem);
    for (const known of [old, root.certificatePem, old + root.certificatePem]) {
      assert.is(await faultOf(authority, known), undefined);
    }
    assert.equal(new Set(authority.caCertificates()).size, 5);
    assert.is(clientFaultOf(authority, older.chainPem), undefined);
    const newer = await authority.issueGateway(requestPem, 'gateway-1');
    assert.is(chainOf(newer.chainPem).length, 3);
    assert.is(clientFaultOf(authority, newer.chainPem), undefined);
  }));

test('replace the root three times: who was off through all of them still believes the cloud', () =>
  withFolder(async (folder) => {
    const [first, second, third, fourth] = [
      ...[await offlineRoot('A'), await offlineRoot('B')],
      ...[await offlineRoot('C'), await offlineRoot('D')],
    ] as [OfflineRoot, OfflineRoot, OfflineRoot, OfflineRoot];
    const authority = await begun(folder, first);
    for (const [old, next] of [
      [first, second],
      [second, third],
      [third, fourth],
    ] as const) {
      const { requestPem } = await makeRequest(at(folder));
      await install(at(folder), next.sign(requestPem) + next.certificatePem + old.crossSign(next), agreed);
    }
    await authority.refresh();
    for (const known of [first, second, third, fourth]) {
      assert.is(await faultOf(authority, known.certificatePem), undefined);
    }
    await retireRoot(at(folder), second.fingerprint);
    await authority.refresh();
    for (const known of [third, fourth]) assert.is(await faultOf(authority, known.certificatePem), undefined);
    // The only way from the first led over the one that is trusted no more.
    assert.match(String(await faultOf(authority, first.certificatePem)), /not issued under/);
  }));

test('retire a root: nothing leads to it any more, and what it issued is to be revoked', () =>
  withFolder(async (folder) => {
    const { authority } = await open(folder);
    const old = authority.standing();
    const oldPem = authority.certificatePem;
    const { requestPem } = await requestFor('gateway-1');
    const older = await authority.issueGateway(requestPem, 'gateway-1');
    await refused(retireRoot(at(folder), old.root.fingerprint), 'installation-refused', /issues under it/);
    const root = await offlineRoot('Offline');
    const next = await makeRequest(at(folder));
    const cross = await crossSign(at(folder), root.certificatePem);
    await install(at(folder), root.sign(next.requestPem) + root.certificatePem + cross.pem, agreed);
    await refused(
      retireRoot(at(folder), 'ab'.repeat(32)),
      'installation-refused',
      /no root of the fingerprint/,
    );
    await retireRoot(at(folder), old.root.fingerprint);
    await authority.refresh();
    assert.equal(
      new Set(authority.standing().distrusted),
      new Set([old.root.fingerprint, old.issuer.fingerprint]),
    );
    assert.is(authority.rootsPem, root.certificatePem);
    assert.is(authority.caCertificates().length, 2);
    assert.not.ok(authority.clientTrust().includes(oldPem));
    assert.match(String(clientFaultOf(authority, older.chainPem)), /not issued under/);
    assert.match(String(await faultOf(authority, oldPem)), /not issued under/);
  }));

test('distrust an issuing certificate that was replaced, and no other', () =>
  withFolder(async (folder) => {
    const { authority } = await open(folder);
    const { issuer } = authority.standing();
    await refused(
      distrustIssuer(at(folder), issuer.fingerprint),
      'installation-refused',
      /issues now.*replace it/,
    );
    await replaceIssuer(at(folder));
    await distrustIssuer(at(folder), issuer.fingerprint);
    await authority.refresh();
    assert.equal(authority.standing().distrusted, [issuer.fingerprint]);
    assert.is(authority.caCertificates().length, 2);
  }));

test('destroy the key of a root that nothing is issued under any more', () =>
  withFolder(async (folder) => {
    const { authority } = await open(folder);
    const { fingerprint } = authority.standing().root;
    await refused(forgetRootKey(at(folder), fingerprint), 'installation-refused', /still issues under/);
    const root = await offlineRoot('Offline');
    const next = await makeRequest(at(folder));
    const cross = await crossSign(at(folder), root.certificatePem);
    await install(at(folder), root.sign(next.requestPem) + root.certificatePem + cross.pem, agreed);
    await forgetRootKey(at(folder), fingerprint);
    assert.ok((await heldBy(folder)).roots.every(({ key }) => key === null));
    await refused(forgetRootKey(at(folder), fingerprint), 'authority-offline', /loadline ca/);
    await refused(replaceIssuer(at(folder)), 'authority-offline', /loadline ca/);
    await refused(crossSign(at(folder), root.certificatePem), 'authority-offline', /loadline ca/);
    await authority.refresh();
    assert.is(await authority.renew(), false);
  }));

test('the issuing certificate is replaced by itself in the last third of its life, where the root is here', () =>
  withFolder(async (folder) => {
    let now = Date.now();
    const { authority, log } = await open(folder, () => now);
    const first = authority.standing().issuer;
    now += 700 * day;
    assert.is(await authority.renew(), false);
    now += 60 * day;
    assert.is(await authority.renew(), true);
    assert.is(await authority.renew(), false);
    const second = authority.standing().issuer;
    assert.is.not(second.fingerprint, first.fingerprint);
    assert.is(log.at(-1)?.fingerprint, second.fingerprint);
    assert.is((await open(folder, () => now)).authority.standing().issuer.fingerprint, second.fingerprint);
  }));

test('a cloud that was off past the end of the issuing certificate replaces it at its start, where the root is here', () =>
  withFolder(async (folder) => {
    const { authority } = await open(folder);
    const { issuer, root } = authority.standing();
    const late = () => issuer.notAfter + 86_400_000;
    const again = await open(folder, late);
    assert.is.not(again.authority.standing().issuer.fingerprint, issuer.fingerprint);
    assert.is(again.authority.standing().root.fingerprint, root.fingerprint);
    assert.ok((await again.authority.issueServer({ names: [] })).notAfter > late());
  }));

test('nothing outlives its issuer, nothing is issued after its end, and it is said long before', () =>
  withFolder(async (folder) => {
    let now = Date.now();
    const root = await offlineRoot('Offline', now);
    const ceremony = at(folder, () => now);
    const { requestPem } = await makeRequest(ceremony);
    await install(ceremony, root.sign(requestPem, 200) + root.certificatePem, agreed);
    const { authority } = await open(folder, () => now);
    const end = authority.standing().issuer.notAfter;
    const warnings = async () => overviewOf(await heldBy(folder), now).warnings;
    assert.equal(await warnings(), []);
    now += 190 * day;
    const gateway = await authority.issueGateway((await requestFor('gateway-1')).requestPem, 'gateway-1');
    assert.is(gateway.notAfter, end);
    assert.is((await authority.issueServer({ names: [] })).notAfter, end);
    assert.match((await warnings()).join(), /issuing certificate ends in 9 days.*authority request/);
    assert.is(await authority.renew(), false);
    now += 11 * day;
    const late = authority.issueGateway((await requestFor('gateway-1')).requestPem, 'gateway-1');
    await refused(late, 'authority-expired', /ended at .*authority request.*ca sign.*authority install/);
    // The way out that the words name is open.
    const next = await makeRequest(ceremony);
    await install(ceremony, root.sign(next.requestPem, 1000), agreed);
    await authority.refresh();
    assert.is(await faultOf(authority, root.certificatePem, now), undefined);
  }));

test('two processes at one folder wait for each other', () =>
  withFolder(async (folder) => {
    await open(folder);
    const made = await Promise.all([1, 2, 3, 4].map(() => replaceIssuer(at(folder))));
    const { issuers } = await heldBy(folder);
    assert.is(issuers.length, 5);
    assert.equal(new Set(issuers.slice(0, 4).map(({ pem }) => pem)), new Set(made.map(({ pem }) => pem)));
    assert.equal(
      issuers.map(({ key }) => key !== null),
      [true, false, false, false, false],
    );
  }));

test('an installation that cannot be taken up leaves the cloud as it was', () =>
  withFolder(async (folder) => {
    const { authority } = await open(folder);
    const before = [authority.certificatePem, authority.clientTrust()];
    await writeFile(join(folder, 'authority.json'), '{', { mode: 0o600 });
    await refused(authority.refresh(), 'authority-unreadable', /backup/);
    assert.equal([authority.certificatePem, authority.clientTrust()], before);
  }));

test.run();
