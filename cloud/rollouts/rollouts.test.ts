// @long
import { randomBytes, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { releasePartBytes } from '@loadline/sdk/api';
import { CloudError } from '@loadline/sdk/client';
import { gatewayTopic, type UpdateMessage, type UpdatingMessage } from '@loadline/sdk/contract';
import { generateKeyPair } from '@loadline/sdk/identity';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Doors, openDoors, theirs, until, Wire } from '../doors/test-doors.ts';
import { addRelease, builtRelease, ReleaseManager, sha256 } from '../releases/test-release.ts';
import { Rollouts } from './rollouts.ts';

const test = suite('releases on their way to gateways');

const target = 'linux-arm64';
let doors: Doors;
let manager: ReleaseManager;
let gateways = 0;
const node = randomBytes(3000);
/** One key for all of them: what is tried here is none of its business. */
const { privateKeyPem: pair } = await generateKeyPair();

test.before(async () => {
  doors = await openDoors();
  manager = new ReleaseManager();
  await manager.appointBy(doors.updating.releases);
  await addRelease(
    doors.updating.releases,
    manager,
    ...['1.0.0', '1.1.0', '1.2.0'].map((version) =>
      builtRelease(version, { 'bin/node': node, 'gateway.mjs': Buffer.from(version) }),
    ),
  );
});
test.after.each(async () => {
  doors.clock.offset = 0;
  const { items } = await doors.client.listRollouts({ query: { limit: 1000 } });
  for (const { id: rollout, state } of items) {
    if (state !== 'halted') await doors.client.patchRollout({ rollout, body: { state: 'halted' } });
  }
});
test.after(() => doors.close());

/** A gateway that is connected, and what it says and hears of updates. */
class Gateway {
  readonly id: string;
  readonly wire: Wire;
  release: string;
  #packets = 100;

  private constructor(id: string, wire: Wire, release: string) {
    this.id = id;
    this.wire = wire;
    this.release = release;
  }

  static async open({ release = '1.0.0', id = '' } = {}): Promise<Gateway> {
    const name = id === '' ? `mast-${gateways++}` : id;
    if (id === '') await doors.organisation.createDevice({ body: { id: name } });
    const wire = await Wire.open(doors, await doors.prove(name, pair), name);
    const gateway = new Gateway(name, wire, release);
    await wire.subscribe(gatewayTopic(name, 'update'));
    await gateway.says(null, { state: 'idle' });
    return gateway;
  }

  /** Says how far it is; resolves when that is acknowledged. */
  async says(offer: string | null, progress: UpdatingMessage['progress'], slot: 'a' | null = 'a') {
    const message: UpdatingMessage = {
      version: 1,
      running: { release: this.release, slot, target },
      offer,
      progress,
    };
    const id = this.#packets++;
    this.wire.publish(gatewayTopic(this.id, 'updating'), message, id);
    await until(
      () => this.wire.packets.some((one) => one.cmd === 'puback' && one.messageId === id),
      'the acknowledgement',
    );
  }

  /** The last it heard. */
  get told(): UpdateMessage['offer'] | undefined {
    const all = this.wire.on(gatewayTopic(this.id, 'update')) as unknown as UpdateMessage[];
    return all.at(-1)?.offer;
  }

  /** Waits until it is offered that release, or, null, nothing; the offer's id. */
  async offered(release: string | null): Promise<string> {
    await until(
      () => this.told !== undefined && (this.told?.release ?? null) === release,
      `an offer of ${release}`,
    );
    return this.told?.id ?? '';
  }

  close(): void {
    this.wire.socket.destroy();
  }
}

const begin = (body: Parameters<Doors['client']['createRollout']>[0]['body']) =>
  doors.client.createRollout({ body });
const read = (rollout: string) => doors.client.getRollout({ rollout });
const refusal = async (work: Promise<unknown>) => {
  const error = await work.then(
    () => undefined,
    (failed) => failed,
  );
  return error instanceof CloudError ? [error.status, error.code] : error;
};

test('a canary is offered a release first, then a share, then all; each takes it in its time', async () => {
  const [canary, other] = [await Gateway.open(), await Gateway.open()];
  await canary.offered(null);
  await doors.organisation.patchUpdate({ device: canary.id, body: { canary: true } });
  const { id, gateways: none } = await begin({ release: '1.1.0', target });
  assert.is(none.reached, 1);
  const offer = await canary.offered('1.1.0');
  assert.is(other.told, null);
  for (const progress of [
    { state: 'waiting', detail: 'for its window' },
    { state: 'downloading', done: 1, total: 2 },
    { state: 'installing' },
    { state: 'trying', secondsLeft: 60 },
  ] as const) {
    await canary.says(offer, progress);
    const { running, offers } = await doors.organisation.getUpdate({ device: canary.id });
    assert.equal([running?.state, offers[0]?.state], [progress.state, progress.state]);
  }
  canary.release = '1.1.0';
  await canary.says(offer, { state: 'confirmed' });
  assert.equal((await read(id)).gateways, {
    ...{ reached: 1, arrived: 1, underWay: 0, confirmed: 1, rolledBack: 0, refused: 0, overdue: 0 },
  });
  // It is what it is to be: the same offer, and no other.
  assert.is(canary.told?.id, offer);
  await doors.client.patchRollout({ rollout: id, body: { ring: 'percent', percent: 0 } });
  assert.is(other.told, null);
  await doors.client.patchRollout({ rollout: id, body: { percent: 100 } });
  await other.offered('1.1.0');
  await doors.client.patchRollout({ rollout: id, body: { state: 'finished', ring: 'all' } });
  const late = await Gateway.open();
  await late.offered('1.1.0');
  const newer = await Gateway.open({ release: '1.2.0' });
  await newer.offered(null);
  const there = await Gateway.open({ release: '1.1.0' });
  await there.offered(null);
  for (const one of [canary, other, late, newer, there]) one.close();
});

test('paused it is offered to nobody, resumed by the same id, and halted to nobody for good', async () => {
  const gateway = await Gateway.open();
  const { id } = await begin({ release: '1.1.0', target, ring: 'all' });
  const offer = await gateway.offered('1.1.0');
  await doors.client.patchRollout({ rollout: id, body: { state: 'paused' } });
  await gateway.offered(null);
  assert.equal(await refusal(begin({ release: '1.2.0', target })), [409, 'conflict']);
  await doors.client.patchRollout({ rollout: id, body: { state: 'running' } });
  assert.is(await gateway.offered('1.1.0'), offer);
  const halted = await doors.client.patchRollout({
    rollout: id,
    body: { state: 'halted', reason: 'a hole' },
  });
  assert.is(halted.reason, 'a hole');
  await gateway.offered(null);
  assert.equal(await refusal(doors.client.patchRollout({ rollout: id, body: { state: 'running' } })), [
    409,
    'conflict',
  ]);
  await begin({ release: '1.1.0', target, ring: 'all' });
  assert.is.not(await gateway.offered('1.1.0'), offer);
  gateway.close();
});

test('one that is not there is not rolled out, nor pinned, and a gateway without a launcher is offered nothing', async () => {
  assert.equal(await refusal(begin({ release: '9.9.9', target })), [404, 'not-found']);
  assert.equal(await refusal(begin({ release: '1.1.0', target: 'linux-x64' })), [404, 'not-found']);
  const gateway = await Gateway.open();
  const pin = doors.organisation.patchUpdate({ device: gateway.id, body: { pin: '9.9.9' } });
  assert.equal(await refusal(pin), [409, 'conflict']);
  await begin({ release: '1.1.0', target, ring: 'all' });
  await gateway.offered('1.1.0');
  await gateway.says(null, { state: 'idle' }, null);
  await gateway.offered(null);
  gateway.close();
});

test('it is halted by itself where it ends badly: audited, mailed to operators, and offered to nobody', async () => {
  const all = await Promise.all(Array.from({ length: 4 }, () => Gateway.open()));
  const [first, second, third] = all as [Gateway, Gateway, Gateway];
  const { id } = await begin({ release: '1.2.0', target, ring: 'all', haltCount: 3, haltPercent: 50 });
  const offers = await Promise.all(all.map((one) => one.offered('1.2.0')));
  await first.says(offers[0] ?? '', { state: 'rolled-back', detail: 'health' });
  await second.says(offers[1] ?? '', { state: 'refused', code: 'file-refused', detail: 'x' });
  await doors.updating.rollouts.judged();
  assert.is((await read(id)).state, 'running');
  await third.says(offers[2] ?? '', { state: 'rolled-back', detail: 'health' });
  const halted = await until(async () => {
    const rollout = await read(id);
    return rollout.state === 'halted' ? rollout : undefined;
  }, 'the halt');
  assert.is(halted.reason, 'of 3 gateways 2 went back, 1 refused it');
  assert.equal(halted.failures, [
    { organisation: 'first', state: 'rolled-back', code: null, detail: 'health', gateways: 2 },
    { organisation: 'first', state: 'refused', code: 'file-refused', detail: 'x', gateways: 1 },
  ]);
  await Promise.all(all.map((one) => one.offered(null)));
  assert.is(doors.halted(), 1);
  const { items } = await doors.client.listFleetAudit({ query: { action: 'rollout.halt' } });
  assert.equal([items[0]?.target?.id, items[0]?.actor.kind], [id, 'cloud']);
  await until(() => {
    const mails = readdirSync(doors.outbox).filter((name) => name.includes('rollout-halted'));
    return mails.some((name) => readFileSync(join(doors.outbox, name), 'utf8').includes('2 went back'));
  }, 'the mail');
  for (const one of all) one.close();
});

test('operators are told what gateways wait for, and of which organisation they are', async () => {
  const all = [await Gateway.open(), await Gateway.open()];
  const { id } = await begin({ release: '1.2.0', target, ring: 'all' });
  const detail = "the system's clock says 1970: let it reach a time server";
  for (const one of all) await one.says(await one.offered('1.2.0'), { state: 'waiting', detail });
  assert.equal((await read(id)).waits, [{ organisation: 'first', detail, gateways: 2 }]);
  for (const one of all) one.close();
});

test('an organisation by whose gateways it is not judged halts it for nobody, and is told of all the same', async () => {
  const ours = await Gateway.open();
  const liar = await Gateway.open({ id: theirs });
  const asked = { release: '1.2.0', target, ring: 'all', haltCount: 1, haltPercent: 100 } as const;
  // It answers at once, before anybody can have confirmed anything: no share is large enough.
  const first = await begin(asked);
  await liar.says(await liar.offered('1.2.0'), { state: 'refused', code: 'no-room', detail: 'full' });
  await until(async () => (await read(first.id)).state === 'halted', 'the halt');
  await liar.offered(null);
  const second = await begin({ ...asked, unheard: ['second'] });
  assert.equal(second.unheard, ['second']);
  await liar.says(await liar.offered('1.2.0'), { state: 'refused', code: 'no-room', detail: 'full' });
  await doors.updating.rollouts.judged();
  const { state, failures, gateways } = await read(second.id);
  assert.equal([state, failures[0]?.organisation, gateways.refused], ['running', 'second', 1]);
  await ours.says(await ours.offered('1.2.0'), { state: 'rolled-back', detail: 'health' });
  const halted = await until(async () => {
    const rollout = await read(second.id);
    return rollout.state === 'halted' ? rollout : undefined;
  }, 'the halt by the others');
  assert.is(halted.reason, 'of 1 gateways 1 went back');
  for (const one of [ours, liar]) one.close();
});

test('who took it and is not heard of again counts as bad once its time is over', async () => {
  const gateway = await Gateway.open();
  await doors.organisation.patchUpdate({ device: gateway.id, body: { canary: true } });
  const { id } = await begin({ release: '1.2.0', target, haltMinutes: 30 });
  await gateway.says(await gateway.offered('1.2.0'), { state: 'trying', secondsLeft: 600 });
  gateway.close();
  doors.clock.offset = 29 * 60_000;
  await doors.updating.rollouts.judged();
  assert.is((await read(id)).state, 'running');
  doors.clock.offset = 31 * 60_000;
  await doors.updating.rollouts.judged();
  assert.is((await read(id)).reason, 'of 1 gateways 1 did not confirm it within 30 minutes');
});

test('a cloud that was away gives all of them their time anew: nobody could confirm anything', async () => {
  const gateway = await Gateway.open();
  await doors.organisation.patchUpdate({ device: gateway.id, body: { canary: true } });
  const { id } = await begin({ release: '1.2.0', target, haltMinutes: 30 });
  await gateway.says(await gateway.offered('1.2.0'), { state: 'trying', secondsLeft: 600 });
  gateway.close();
  const { store, directory, updating } = doors;
  let now = Date.now() + 600 * 60_000;
  const restarted = await Rollouts.open({
    ...{ store, directory, shelf: updating.releases, mailer: { send: () => {} }, onHalted: () => {} },
    ...{ log: { info() {}, warn() {}, error() {} }, now: () => now },
  });
  const overdueAfter = async (minutes: number) => {
    now += minutes * 60_000;
    return (await restarted.view(id))?.counts.overdue;
  };
  assert.is(await overdueAfter(0), 0);
  assert.is(await overdueAfter(29), 0);
  await restarted.judged();
  assert.is((await restarted.view(id))?.row.state, 'running');
  assert.is(await overdueAfter(2), 1);
  assert.equal((await restarted.view(id))?.failures, [
    { organisation: 'first', state: 'trying', code: null, detail: null, gateways: 1 },
  ]);
  await restarted.close();
});

test('what a gateway went back from is offered under the same id, until somebody has it tried again', async () => {
  const gateway = await Gateway.open();
  const { id } = await begin({ release: '1.2.0', target, ring: 'all' });
  const offer = await gateway.offered('1.2.0');
  await gateway.says(offer, { state: 'rolled-back', detail: 'health' });
  const again = await Wire.open(doors, await doors.prove(gateway.id, pair), gateway.id);
  await again.subscribe(gatewayTopic(gateway.id, 'update'));
  assert.equal((await again.heard(gatewayTopic(gateway.id, 'update'))).offer, {
    id: offer,
    release: '1.2.0',
  });
  assert.equal(await doors.client.retryRollout({ rollout: id }), { gateways: 1 });
  const next = (await again.heard(gatewayTopic(gateway.id, 'update'), 2)).offer as { id: string };
  assert.is.not(next.id, offer);
  assert.is((await read(id)).gateways.rolledBack, 0);
  await doors.organisation.retryUpdate({ device: gateway.id });
  const third = (await again.heard(gatewayTopic(gateway.id, 'update'), 3)).offer as { id: string };
  assert.is(new Set([offer, next.id, third.id]).size, 3);
  again.socket.destroy();
});

test('a pin goes before a rollout, and to an older release; an organisation has all of its gateways wait', async () => {
  const gateway = await Gateway.open({ release: '1.1.0' });
  await begin({ release: '1.2.0', target, ring: 'all' });
  await gateway.offered('1.2.0');
  const pinned = await doors.organisation.patchUpdate({ device: gateway.id, body: { pin: '1.0.0' } });
  assert.equal(
    [pinned.pin, pinned.pinnedBy, pinned.wish],
    ['1.0.0', doors.login.email, { release: '1.0.0', by: 'pin' }],
  );
  assert.equal(pinned.releases, ['1.2.0', '1.1.0', '1.0.0']);
  await gateway.offered('1.0.0');
  await doors.organisation.patchOrganisation({ body: { updates: 'paused' } });
  await gateway.offered(null);
  assert.is((await doors.organisation.getUpdate({ device: gateway.id })).paused, true);
  const foreign = await Gateway.open({ id: theirs });
  await foreign.offered('1.2.0');
  await doors.organisation.patchOrganisation({ body: { updates: 'on' } });
  await gateway.offered('1.0.0');
  await doors.organisation.patchUpdate({ device: gateway.id, body: { pin: null } });
  await gateway.offered('1.2.0');
  for (const one of [gateway, foreign]) one.close();
});

test('nobody of one organisation reads, pins or marks a gateway of another, nor sees how it goes there', async () => {
  const foreign = await Gateway.open({ id: theirs });
  const there = doors.client.organisation('first');
  for (const work of [
    there.getUpdate({ device: theirs }),
    there.patchUpdate({ device: theirs, body: { canary: true } }),
    there.retryUpdate({ device: theirs }),
    doors.client.organisation('second').listUpdates({}),
  ]) {
    assert.equal(await refusal(work), [404, 'not-found']);
  }
  const { items } = await there.listUpdates({ query: { limit: 1000 } });
  assert.not.ok(items.some(({ device }) => device === theirs));
  foreign.close();
});

test('whoever follows an organisation hears how far its gateways are, and of no other', async () => {
  const [gateway, foreign] = [await Gateway.open(), await Gateway.open({ id: theirs })];
  const stream = await doors.organisation.followReadings({});
  await foreign.says(null, { state: 'idle' });
  await gateway.says(null, { state: 'refused', code: 'storage-failed', detail: 'full' });
  for await (const { event, data } of stream) {
    if (event === 'ping') continue;
    assert.is(event, 'update');
    const { device, state, code, release } = data as {
      device: string;
      state: string;
      code: string;
      release: string;
    };
    assert.equal([device, state, code, release], [gateway.id, 'refused', 'storage-failed', '1.0.0']);
    break;
  }
  for (const one of [gateway, foreign]) one.close();
});

test('a release is sent in parts over the API, taken up once, and what is signed otherwise is refused', async () => {
  const big = randomBytes(releasePartBytes + 100);
  const built = builtRelease('1.3.0', { 'bin/node': node, 'gateway.mjs': big });
  manager.sign({ add: [built.manifest] });
  const files = [built.manifest, ...built.blobs.values()];
  const named = new Map(files.map((bytes) => [sha256(bytes), bytes]));
  const { missing } = await doors.client.beginUpload({ body: { files: [...named.keys()] } });
  assert.equal(missing.map(({ sha256: one }) => one).sort(), [sha256(big), sha256(built.manifest)].sort());
  const metadata = { roots: [...manager.roots], targets: manager.targets };
  assert.equal(await refusal(doors.client.addReleases({ body: metadata })), [400, 'request-invalid']);
  const part = (file: string, from: number) => {
    const bytes = named.get(file) ?? Buffer.alloc(0);
    const data = Buffer.from(bytes.subarray(from, from + releasePartBytes)).toString('base64');
    return doors.client.putReleasePart({ file, body: { from, length: bytes.length, data } });
  };
  for (const { sha256: file } of missing) {
    for (let at = 0, isWhole = false; !isWhole; ) ({ from: at, isWhole } = await part(file, at));
  }
  assert.equal(await refusal(part(sha256(randomBytes(3)), 0)), [400, 'request-invalid']);
  const done = await doors.client.addReleases({ body: metadata });
  assert.equal([done.changed, done.releases], [true, 4]);
  assert.is((await doors.client.addReleases({ body: metadata })).changed, false);
  const { items } = await doors.client.listReleases({});
  assert.equal(items[0]?.version, '1.3.0');
  assert.is((await doors.client.getRepository()).fault, null);
  const entries = await doors.client.listFleetAudit({ query: { action: 'releases.create' } });
  assert.ok(entries.items.length >= 2);
});

test('a message of nobody knows what offer changes nothing but the state of who sent it', async () => {
  const gateway = await Gateway.open();
  await gateway.says(randomUUID(), { state: 'rolled-back', detail: 'nothing of the kind' });
  const { running, offers } = await doors.organisation.getUpdate({ device: gateway.id });
  assert.equal([running?.state, offers], ['rolled-back', []]);
  gateway.close();
});

test.run();
