import { createPublicKey, randomBytes, X509Certificate } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  createAuthority,
  generateKeyPair,
  type Issuer,
  issueCertificate,
  type Signer,
  softwareSigner,
} from '../identity/index.ts';
import { localServer } from '../identity/test-fleet.ts';
import { type JudgedAt, rootsOf, succession, type TrustedRoot } from './index.ts';

const test = suite('succession of roots');

const day = 86_400_000;
const now = Date.UTC(2026, 10, 22);
const time: JudgedAt = { kind: 'known', wall: now };
const good = { notBefore: now - 400 * day, notAfter: now + 400 * day };
const ended = { notBefore: now - 400 * day, notAfter: now - 30 * day };

interface Named extends Issuer {
  readonly commonName: string;
}

async function root(
  commonName: string,
  { signer, times = good }: { signer?: Signer; times?: typeof good } = {},
) {
  const by = signer ?? softwareSigner((await generateKeyPair()).privateKeyPem);
  const certificatePem = createAuthority({ commonName, signer: by, serial: randomBytes(16), ...times });
  return { commonName, signer: by, certificatePem };
}

/** `issuer` certifies the key of another authority. */
function certified(
  { commonName, signer }: Named,
  issuer: Issuer,
  { times = good, pathLength = 1 } = {},
): string {
  const subject = { commonName, publicKeyPem: signer.publicKeyPem };
  const order = {
    ...times,
    profile: 'authority',
    pathLength,
    serial: randomBytes(16),
    subject,
    issuer,
  } as const;
  return issueCertificate(order);
}

async function intermediate(issuer: Issuer): Promise<Named> {
  const named = { commonName: 'Issuing', signer: softwareSigner((await generateKeyPair()).privateKeyPem) };
  const certificatePem = certified({ ...named, certificatePem: '' }, issuer, { pathLength: 0 });
  return { ...named, certificatePem };
}

const first = await root('First');
const second = await root('Second');
const third = await root('Third');
const issuing = await intermediate(second);
const cross = certified(second, first);
const serverKey = createPublicKey((await generateKeyPair()).publicKeyPem);

/** What a server shows that has its certificate from there. */
function shownBy(issuer: Issuer, ...others: readonly string[]): Uint8Array[] {
  const publicKeyPem = serverKey.export({ type: 'spki', format: 'pem' }).toString();
  const order = { ...good, ...localServer, serial: randomBytes(16), issuer };
  const leaf = issueCertificate({ ...order, subject: { commonName: 'cloud', publicKeyPem } });
  return [leaf, ...others].map((pem) => new X509Certificate(pem).raw);
}

const byFirst = shownBy(first);
const bySecond = shownBy(issuing, issuing.certificatePem, cross);

/** What it comes to: names of the roots trusted from then on, in order. */
function outcome(
  roots: readonly TrustedRoot[],
  told: readonly string[],
  { presented = bySecond, at = time }: { presented?: readonly Uint8Array[]; at?: JudgedAt } = {},
): string {
  const { roots: after } = succession({ roots, told, presented, host: 'localhost', time: at });
  return after.map(({ pem }) => new X509Certificate(pem).subject.replace('CN=', '')).join(', ');
}

const trusting = ({ certificatePem }: Issuer): readonly TrustedRoot[] => rootsOf(certificatePem);
const pems = (...issuers: readonly Issuer[]): string[] => issuers.map(({ certificatePem }) => certificatePem);

test('a root is adopted that a trusted one has certified, and both are trusted while both are told', () => {
  const told = [...pems(issuing, second, first), cross];
  assert.is(outcome(trusting(first), told), 'First, Second');
  assert.is(outcome(trusting(first), told, { presented: byFirst }), 'First, Second');
  assert.is(outcome(trusting(first), told, { at: { kind: 'at-least', wall: 0 } }), 'First, Second');
});

test('a root is not adopted because the server was believed that told it', () => {
  assert.is(outcome(trusting(first), pems(first, third)), 'First');
  assert.is(outcome(trusting(first), [...pems(first, third), certified(third, second)]), 'First');
});

test('nor by a certificate of an authority that has but the name of a trusted one', async () => {
  const impostor = await root('First');
  assert.is(outcome(trusting(first), [...pems(first, third), certified(third, impostor)]), 'First');
});

test('nor by a certificate of its name for another key, nor one that an intermediate gave', async () => {
  const other = await root('Third');
  assert.is(outcome(trusting(first), [...pems(first, third), certified(other, first)]), 'First');
  const under = await intermediate(first);
  assert.is(outcome(trusting(first), [...pems(first, third, under), certified(third, under)]), 'First');
});

test("nor by another root's", () => {
  assert.is(outcome(trusting(first), [...pems(first, second, third), cross]), 'First, Second');
});

test('who has the key of an intermediate does not become a root by it', async () => {
  const under = await intermediate(first);
  const self = await root('Issuing', { signer: under.signer });
  assert.is(outcome(trusting(first), pems(first, under, self)), 'First');
  assert.is(outcome(trusting(first), [...pems(first, under, self, third), certified(third, under)]), 'First');
});

test('a root that has ended is not adopted, nor one whose certificate by the old one has', async () => {
  const gone = await root('Gone', { times: ended });
  assert.is(outcome(trusting(first), [...pems(first, gone), certified(gone, first)]), 'First');
  assert.is(
    outcome(trusting(first), [...pems(first, third), certified(third, first, { times: ended })]),
    'First',
  );
});

test('whoever was away for two changes follows both', () => {
  const told = [...pems(second, third, first), cross, certified(third, second)];
  assert.is(outcome(trusting(first), told), 'First, Second, Third');
});

test('an old root is dropped once it is told no longer, and the server is believed without it', () => {
  const both = succession({
    roots: trusting(first),
    told: [...pems(first, second), cross],
    presented: bySecond,
    host: 'localhost',
    time,
  });
  assert.equal([both.adopted, both.dropped], [pems(second), []]);
  const after = succession({ ...both, told: pems(second), presented: bySecond, host: 'localhost', time });
  assert.equal([after.roots.map(({ pem }) => pem), after.dropped], [pems(second), pems(first)]);
  // At one stroke, for one who was away meanwhile.
  assert.is(outcome(trusting(first), [...pems(second, issuing), cross]), 'Second');
});

test('it stays while it alone makes the server believed, and while nothing is told', () => {
  const roots = [...trusting(first), ...trusting(second)];
  assert.is(outcome(roots, pems(second), { presented: byFirst }), 'First, Second');
  assert.is(outcome(roots, []), 'First, Second');
  assert.is(outcome(trusting(first), pems(third), { presented: byFirst }), 'First');
  const elsewhere = { ...{ roots, told: pems(second), presented: bySecond, time }, host: 'elsewhere' };
  assert.is(succession(elsewhere).roots.length, 2);
});

test('a new root is not dropped on the word of an old one', () => {
  const roots = [...trusting(first), { pem: second.certificatePem, since: 1 }];
  assert.is(outcome(roots, pems(first), { presented: byFirst }), 'First, Second');
});

test('of several that a file named, each may go', () => {
  const roots = [...trusting(second), ...trusting(first)];
  assert.is(outcome(roots, pems(second)), 'Second');
  assert.is(outcome(roots, pems(first), { presented: byFirst }), 'First');
});

test.run();
