import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Mail } from '../mail/index.ts';
import { type Device, Directory } from '../router/index.ts';
import { type AuditDraft, Store, step } from '../store/index.ts';
import { type Alarm, Alarms } from './alarms.ts';

const test = suite('alarms');

const [second, minute, hour, day] = [1000, 60_000, 3_600_000, 86_400_000];
const [a = '', b = '', c = ''] = ['a', 'b', 'c'].map((letter) => letter.repeat(32));

const folder = mkdtempSync(join(tmpdir(), 'loadline-alarms-'));
const store = await Store.open(
  { file: join(folder, 'loadline.db'), key: 'a5'.repeat(32) },
  assert.unreachable,
);
const administrator = { id: '00000000-0000-4000-8000-000000000001', email: 'ann@example.com', name: 'Ann' };
await store.change({
  steps: [
    step('createOrganisation', { id: 'first', name: 'First', created: 0 }),
    step('addPerson', { ...administrator, passwordHash: 'none', operator: 0, created: 0 }),
    step('addMember', {
      ...{ organisation: 'first', person: administrator.id, role: 'administrator', reach: 'organisation' },
      ...{ customer: null, called: 'Ann', created: 0, arrived: 0 },
    }),
  ],
  audit: [],
});
let gateways = 0;

/** The alarms of one gateway, a new one for each test. */
class Watch {
  now = 1_790_000_000_000 + gateways * 1000 * day;
  readonly mails: Mail[] = [];
  readonly told: Alarm[] = [];
  readonly device: Device;
  readonly #directory: Directory;
  alarms!: Alarms;

  private constructor(device: Device, directory: Directory) {
    this.device = device;
    this.#directory = directory;
  }

  static async open(): Promise<Watch> {
    const id = `mast-${++gateways}`;
    await store.change({
      steps: [step('addDevice', { id, organisation: 'first', kind: 'gateway' })],
      audit: [],
    });
    const directory = await Directory.load(store);
    const watch = new Watch(directory.device(id) as Device, directory);
    await watch.restart();
    return watch;
  }

  async restart(): Promise<void> {
    await this.alarms?.close();
    this.alarms = await Alarms.open({
      store,
      directory: this.#directory,
      mailer: {
        send: (mail) => {
          if (mail.kind === 'identity-cloned' && mail.device === this.device.id) this.mails.push(mail);
        },
      },
      onAlarm: (alarm) => void this.told.push(alarm),
      log: { info: () => {}, warn: () => {}, error: assert.unreachable },
      now: () => this.now,
    });
    await this.alarms.settled();
  }

  /** The two were seen; once it is written. */
  async see(epochs: readonly string[], evidence: 'came-back' | 'one-parent' = 'came-back'): Promise<void> {
    const seen = epochs.map((epoch) => ({ epoch, source: `192.0.2.${epoch[0]}`, boot: null, at: this.now }));
    const { device, now: at } = this;
    this.alarms.raise({ kind: 'identity-cloned', device, at, seen: { evidence, epochs: seen } });
    await this.alarms.settled();
  }

  async list(): Promise<Alarm[]> {
    return (await this.alarms.of('first')).filter(({ device }) => device === this.device);
  }

  /** Somebody says so. */
  async acknowledge(): Promise<void> {
    const [alarm] = await this.list();
    const entry: AuditDraft = {
      ...{
        organisation: 'first',
        at: this.now,
        actor: { kind: 'user', id: administrator.id },
        channel: 'https',
      },
      ...{
        action: 'alarm.patch',
        target: { kind: 'device', id: this.device.id },
        outcome: 'done',
        code: null,
      },
      ...{ before: null, after: null, personal: null },
    };
    await this.alarms.see(alarm as Alarm, 'ann@example.com', entry);
  }

  /** Time goes on by minutes, and what is due is done. */
  async wait(milliseconds: number): Promise<void> {
    this.now += milliseconds;
    await new Promise((resolve) => setTimeout(resolve, 5));
    this.alarms.tick();
    await this.alarms.settled();
  }
}

let watch: Watch;
test.before.each(async () => {
  watch = await Watch.open();
});
test.after.each(() => watch.alarms.close());
test.after(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

test('the first is kept, told live, mailed to the administrators and in the audit log, with both addresses', async () => {
  await watch.see([b, a]);
  const [alarm] = await watch.list();
  assert.equal([alarm?.times, alarm?.seen, alarm?.detail.evidence], [1, null, ['came-back']]);
  assert.equal(
    alarm?.detail.epochs.map(({ epoch, source }) => [epoch, source]),
    [
      [b, '192.0.2.b'],
      [a, '192.0.2.a'],
    ],
  );
  assert.equal(
    watch.told.map(({ id }) => id),
    [alarm?.id],
  );
  const [mail] = watch.mails;
  assert.equal(mail?.to, { address: 'ann@example.com', name: 'Ann' });
  assert.ok(mail?.kind === 'identity-cloned');
  assert.equal([mail.device, mail.sources], [watch.device.id, ['192.0.2.b', '192.0.2.a']]);
  const { entries } = await audit();
  assert.is(
    entries.filter(({ action, target }) => action === 'alarm.raise' && target?.id === watch.device.id).length,
    1,
  );
});

test('a war is one row, written every ten seconds at most, and counted whole', async () => {
  let writes = 0;
  const original = store.change.bind(store);
  store.change = (change) => {
    if (change.steps.some((one) => one.do === 'setAlarm' || one.do === 'addAlarm')) writes += 1;
    return original(change);
  };
  try {
    // A hundred a second for twenty seconds.
    for (let tick = 0; tick < 20; tick++) {
      for (let n = 0; n < 100; n++) {
        const seen = [a, b].map((epoch) => ({ epoch, source: '192.0.2.1', boot: null, at: watch.now }));
        watch.alarms.raise({
          ...{ kind: 'identity-cloned', device: watch.device, at: watch.now },
          seen: { evidence: 'came-back', epochs: seen },
        });
      }
      watch.now += second;
      watch.alarms.tick();
    }
    await watch.alarms.settled();
  } finally {
    store.change = original;
  }
  const list = await watch.list();
  assert.equal(
    list.map(({ times }) => times),
    [2000],
  );
  assert.ok(writes <= 4, `${writes} writes`);
  assert.is(watch.mails.length, 1);
});

test('mails come with pauses that grow while it goes on, and the pauses survive a restart', async () => {
  const mailed: number[] = [];
  const began = watch.now;
  for (let minutes = 0; minutes < 24 * 60; minutes += 10) {
    const before = watch.mails.length;
    await watch.see([a, b]);
    if (minutes === 120) await watch.restart();
    await watch.wait(10 * minute);
    if (watch.mails.length > before) mailed.push(Math.round((watch.now - began) / hour));
  }
  // At once, after an hour, and then after two, four, eight more …
  assert.equal(mailed, [0, 1, 3, 7, 15]);
});

test('what was raised and not mailed, because the cloud ended, is mailed by the next one', async () => {
  const id = '00000000-0000-4000-8000-00000000000a';
  const detail = JSON.stringify({ evidence: ['came-back'], epochs: [] });
  const { number: device } = watch.device;
  const { now } = watch;
  const row = {
    id,
    organisation: 'first',
    device,
    kind: 'identity-cloned',
    first: now,
    last: now,
    times: 1,
    detail,
  };
  await store.change({ steps: [step('addAlarm', row)], audit: [] });
  await watch.restart();
  await watch.alarms.settled();
  assert.is(watch.mails.length, 1);
  await watch.restart();
  assert.is(watch.mails.length, 1);
});

test('once it is seen to, nobody is told of the same any more; of another process, anew', async () => {
  await watch.see([a, b]);
  await watch.acknowledge();
  for (let n = 0; n < 30; n++) {
    await watch.wait(hour);
    await watch.see([a, b]);
  }
  assert.equal([watch.mails.length, watch.told.length], [1, 1]);
  const [still] = await watch.list();
  assert.equal([still?.times, still?.seen?.by], [31, 'ann@example.com']);
  await watch.see([a, c]);
  assert.equal([watch.mails.length, watch.told.length], [2, 2]);
  assert.equal(
    (await watch.list()).map(({ seen }) => seen === null),
    [true, false],
  );
});

test('once it is seen to, the same raises it anew after a day of quiet', async () => {
  await watch.see([a, b]);
  await watch.acknowledge();
  await watch.wait(day + second);
  await watch.see([a, b]);
  assert.is((await watch.list()).length, 2);
  assert.is(watch.mails.length, 2);
});

test('two epochs of one parent are said once, however often they are found', async () => {
  for (let n = 0; n < 3; n++) {
    await watch.see([a, b], 'one-parent');
    await watch.restart();
    await watch.wait(minute);
  }
  const [alarm] = await watch.list();
  assert.equal([alarm?.times, watch.mails.length], [1, 1]);
  await watch.see([a, b]);
  const [both] = await watch.list();
  assert.equal([both?.times, both?.detail.evidence], [2, ['one-parent', 'came-back']]);
});

test('an alarm is kept for 400 days after it went on last', async () => {
  await watch.see([a, b]);
  watch.now += 399 * day;
  await watch.restart();
  await watch.wait(second);
  assert.is((await watch.list()).length, 1);
  watch.now += 2 * day;
  await watch.restart();
  await watch.wait(second);
  assert.is((await watch.list()).length, 0);
});

async function audit() {
  return await store.read('audit', { organisation: 'first', limit: 1000 });
}

test.run();
