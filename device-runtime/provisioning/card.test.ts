// A site that came on the card: taken once, by the checks of one that comes over the line; whatever else lies there is refused.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cardBytes } from '@loadline/sdk/provisioning';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { takeCard } from './card.ts';
import { machineDisk } from './disk.ts';
import { SiteStore } from './store.ts';
import { type Fleet, makeFleet, serialNumber, siteText, voucherOf } from './test-parts.ts';

const test = suite('a site that came on the card');

let fleet: Fleet;
let stranger: Fleet;
let root: string;
const said: string[] = [];

test.before(async () => {
  [fleet, stranger] = await Promise.all([makeFleet(), makeFleet('Stranger')]);
});
test.before.each(async () => {
  root = await mkdtemp(join(tmpdir(), 'loadline-card-'));
  await mkdir(join(root, 'card'));
  said.length = 0;
});
test.after.each(() => rm(root, { recursive: true, force: true }));

const file = () => join(root, 'card/site.json');
const cardOf = (voucher: string, site: string) => JSON.stringify({ version: 1, voucher, site });
const log = (level: string) => (event: string, fields?: object) =>
  void said.push(`${level} ${event} ${JSON.stringify(fields)}`);

/** A start of the gateway. */
async function start(content?: string | Buffer): Promise<SiteStore> {
  if (content !== undefined) await writeFile(file(), content);
  const folder = join(root, 'site');
  const store = await SiteStore.open(machineDisk, folder);
  await takeCard({
    folder,
    store,
    board: { serialNumber },
    makerPem: fleet.certificatePem,
    time: () => ({ kind: 'at-least', wall: 0 }),
    wall: () => Date.now(),
    log: { info: log('info'), warn: log('warn'), error: log('error') },
  });
  return store;
}

test('it is taken into force, noted, and gone', async () => {
  const store = await start(cardOf(voucherOf(fleet), siteText(fleet)));
  assert.equal([store.inForce?.gatewayId, store.inForce?.organisation], ['mast-1', 'acme'], said.join('\n'));
  assert.ok(store.isFinished, 'nobody is waited for at a tty');
  assert.not.ok(existsSync(file()));
  const taken = JSON.parse(await readFile(join(root, 'card/taken.json'), 'utf8'));
  assert.equal([taken.gateway, taken.site], ['mast-1', store.inForce?.digest]);
  assert.not.match(JSON.stringify([taken, said]), 'one-time-secret', 'no secret is noted');
  const secret = await store.read(store.currentFolder as string, 'enrolment.secret');
  assert.is(secret, 'one-time-secret-of-it\n');
});

test('the pre-shared key of a network is kept as it came', async () => {
  const passphrase = 'f4'.repeat(32);
  const network = { addresses: { by: 'dhcp' }, wifi: { ssid: 'Site', passphrase, country: 'DE' } };
  const store = await start(cardOf(voucherOf(fleet), siteText(fleet, { network })));
  const kept = JSON.parse((await store.read(store.currentFolder as string, 'network.json')) as string);
  assert.is(kept.wifi.psk, passphrase);
});

test('once: put there again after a reset it is refused, by its voucher', async () => {
  const card = cardOf(voucherOf(fleet), siteText(fleet));
  const store = await start(card);
  await store.reset();
  const again = await start(card);
  assert.is(again.inForce, undefined);
  assert.match(said.join('\n'), /card-refused.*ownership counter/);
});

test('a gateway that is provisioned leaves it out', async () => {
  await start(cardOf(voucherOf(fleet), siteText(fleet)));
  const other = cardOf(voucherOf(fleet, { ownershipCounter: 2 }), siteText(fleet, { gatewayId: 'mast-2' }));
  const store = await start(other);
  assert.is(store.inForce?.gatewayId, 'mast-1');
  assert.match(said.join('\n'), 'warn card-left-out');
  assert.not.ok(existsSync(file()));
});

test('a cut between the commit and the removal: it is there again, and nothing happens', async () => {
  const card = cardOf(voucherOf(fleet), siteText(fleet));
  const { inForce } = await start(card);
  const store = await start(card);
  assert.equal(store.inForce, inForce);
  assert.not.ok(existsSync(file()));
});

const hostile: readonly (readonly [string, () => string | Buffer, RegExp])[] = [
  ['nothing in it', () => '', /not JSON/],
  ['no JSON', () => '{"version":1,"voucher":"one-time-secret', /not JSON/],
  ['no card', () => '{}', /card-refused/],
  ['more than it may have', () => Buffer.alloc(cardBytes + 1, 'a'), /larger than/],
  ['no voucher', () => cardOf('', siteText(fleet)), /voucher-refused/],
  ['a voucher of somebody else', () => cardOf(voucherOf(stranger), siteText(fleet)), /voucher-refused/],
  [
    'a voucher of another board',
    () => cardOf(voucherOf(fleet, { serialNumber: 'OTHER' }), siteText(fleet)),
    /for the board OTHER/,
  ],
  [
    'a voucher of a session',
    () => cardOf(voucherOf(fleet, { nonce: 'ab'.repeat(16) }), siteText(fleet)),
    /another session/,
  ],
  [
    'a site of another owner',
    () => cardOf(voucherOf(fleet), siteText(fleet, { organisation: 'other' })),
    /which the voucher names/,
  ],
  [
    'a site under another authority',
    () => cardOf(voucherOf(fleet), siteText(stranger)),
    /neither the authority/,
  ],
  [
    'a gateway id that is a path',
    () => cardOf(voucherOf(fleet), siteText(fleet, { gatewayId: '../../etc' })),
    /site-invalid/,
  ],
  [
    'a site without a secret',
    () => cardOf(voucherOf(fleet), siteText(fleet, { enrolment: { url: 'https://a', secret: null } })),
    /enrolment.secret/,
  ],
  [
    'files of the gateway’s own',
    () => cardOf(voucherOf(fleet), siteText(fleet, { configuration: { gateway: { state: '/etc' } } })),
    /own file to say/,
  ],
];
for (const [what, content, says] of hostile) {
  test(`refused: ${what}; the gateway waits as ever, and the card stays`, async () => {
    const store = await start(content());
    assert.is(store.inForce, undefined);
    assert.match(said.join('\n'), says);
    assert.not.match(said.join('\n'), 'one-time-secret');
    assert.ok(existsSync(file()));
  });
}

test('refused: a link, by which another file would be read', async () => {
  await writeFile(join(root, 'elsewhere'), cardOf(voucherOf(fleet), siteText(fleet)));
  await symlink(join(root, 'elsewhere'), file());
  const store = await start();
  assert.is(store.inForce, undefined);
});

test('nothing there is nothing to say', async () => {
  await start();
  assert.equal(said, []);
});

test.run();
