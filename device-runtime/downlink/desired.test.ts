import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { reportedMessage } from '@loadline/sdk/contract';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DesiredConfiguration } from './desired.ts';
import { message, own, TestDesired, temporaryFolder, until } from './test-desired.ts';

const test = suite('desired configuration');

let temporary: ReturnType<typeof temporaryFolder>;
let folder: string;
test.before.each(() => {
  temporary = temporaryFolder();
  folder = temporary.folder;
});
test.after.each(() => temporary.remove());

const onDisk = () => JSON.parse(readFileSync(join(folder, 'desired.json'), 'utf8'));

/** What `reported` carries; checked to be of the contract. */
function reported(world: TestDesired) {
  const configuration = world.desired.configuration();
  reportedMessage.shape.configuration.parse(configuration);
  return configuration;
}

/** A gateway on which `revision` is in force. */
async function withInForce(revision: string): Promise<void> {
  const world = new TestDesired({ folder });
  await world.desired.open();
  world.desired.received(message(revision));
  await until(() => world.applied.length === 1);
  world.desired.confirmed();
  await until(() => world.changes === 1);
  world.desired.stop();
}

/** r1 is tried and rolled back, the cloud being reached with nothing. */
async function rollBack(world: TestDesired): Promise<void> {
  world.desired.received(message('r1'));
  await until(() => world.applied.length === 1);
  world.late();
  await until(() => world.changes === 1);
}

/** One thing is done at a time: when it has refused this, all that came before is over. */
async function takesAnother({ desired }: TestDesired): Promise<void> {
  desired.received(message('another', 'bad'));
  await until(() => desired.configuration().last?.revision === 'another');
}

test('with nothing desired, the own file is in force', async () => {
  const world = new TestDesired({ folder });
  assert.is(await world.desired.open(), own);
  assert.equal(reported(world), { revision: null });
});

test('is on disk before the switch, and in force once the cloud was reached with it', async () => {
  let onDiskAtSwitch: unknown;
  const apply = async () => {
    onDiskAtSwitch = onDisk();
  };
  const world = new TestDesired({ folder, apply });
  await world.desired.open();
  world.desired.received(message('r1'));
  await until(() => world.applied.length === 1);
  const { inForce, trying } = onDiskAtSwitch as { inForce: unknown; trying: { revision: string } };
  assert.is(inForce, null);
  assert.is(trying.revision, 'r1');
  assert.equal(reported(world), {
    revision: null,
    last: { revision: 'r1', outcome: 'trying', problems: [] },
  });
  world.desired.confirmed();
  await until(() => world.changes === 1);
  assert.equal(reported(world), { revision: 'r1' });
  assert.equal(world.codes, ['config-applied']);
  assert.is(onDisk().inForce.revision, 'r1');
  assert.is(onDisk().trying, null);
  world.desired.received(message('r1'));
  world.desired.received(message('r2'));
  await until(() => world.applied.length === 2);
  assert.equal(world.applied, ['r1', 'r2'], 'the same revision again is nothing');
  world.desired.stop();
  const next = new TestDesired({ folder });
  assert.equal(await next.desired.open(), { name: 'r2' }, 'a start goes on trying');
  next.desired.stop();
});

test('an acknowledgement of before the switch is done counts for nothing', async () => {
  const { promise: switching, resolve: switched } = Promise.withResolvers<void>();
  const apply = ({ name }: { name: string }) => (name === 'r1' ? switching : Promise.resolve());
  const world = new TestDesired({ folder, apply });
  await world.desired.open();
  world.desired.received(message('r1'));
  await until(() => reported(world).last?.outcome === 'trying');
  world.desired.confirmed();
  switched();
  await until(() => world.applied.length === 1);
  world.late();
  await until(() => world.changes === 1);
  assert.equal(world.codes, ['config-rolled-back']);
});

test('is rolled back where the cloud is not reached in time, said, and not tried again', async () => {
  await withInForce('r1');
  const world = new TestDesired({ folder });
  assert.equal(await world.desired.open(), { name: 'r1' });
  world.desired.received(message('r2'));
  await until(() => world.applied.length === 1);
  world.late();
  await until(() => world.changes === 1);
  world.desired.confirmed();
  assert.equal(world.applied, ['r2', 'r1']);
  assert.is(world.codes[0], 'config-rolled-back');
  const { revision, last } = reported(world);
  assert.is(revision, 'r1');
  assert.is(last?.outcome, 'rolled-back');
  assert.match(last?.problems[0]?.message ?? '', 'nothing was acknowledged');
  world.desired.received(message('r2'));
  world.desired.received(message('bad'));
  await until(() => reported(world).last?.revision === 'bad');
  world.desired.received(message('r2'));
  await until(() => reported(world).last?.revision === 'r2');
  assert.is(reported(world).last?.outcome, 'rolled-back');
  assert.equal(world.applied, ['r2', 'r1']);
  world.desired.received(message('r1'));
  await until(() => reported(world).last === undefined);
  assert.equal(world.applied, ['r2', 'r1']);
  world.desired.stop();
  const next = new TestDesired({ folder });
  assert.equal(await next.desired.open(), { name: 'r1' });
  next.desired.received(message('r2'));
  await until(() => reported(next).last?.outcome === 'rolled-back');
  assert.equal(next.applied, []);
});

test('where the one before reaches nothing either, it is said, and tried once more when that one does', async () => {
  const world = new TestDesired({ folder });
  await world.desired.open();
  await rollBack(world);
  world.late();
  await until(() => world.codes.length === 2, 'the second event');
  assert.equal(world.codes, ['config-rolled-back', 'config-rolled-back']);
  assert.match(world.events[1]?.detail ?? '', 'with the one before neither');
  assert.match(reported(world).last?.problems[0]?.message ?? '', 'with the one before neither');
  world.desired.stop();

  // Also where the gateway was started again meanwhile; and not the second time.
  const next = new TestDesired({ folder });
  assert.equal(await next.desired.open(), own);
  next.desired.confirmed();
  await until(() => next.applied.length === 1);
  assert.equal(next.applied, ['r1']);
  next.late();
  await until(() => next.changes === 1);
  assert.is(next.limits, 0, 'no second doubt');
  next.desired.confirmed();
  next.desired.received(message('r1'));
  await takesAnother(next);
  assert.equal(next.codes, ['config-rolled-back', 'config-refused']);
  assert.equal(next.applied, ['r1', 'own']);
  next.desired.stop();
});

test('one that reaches the cloud when it is tried once more is in force', async () => {
  const world = new TestDesired({ folder });
  await world.desired.open();
  await rollBack(world);
  world.late();
  await until(() => world.codes.length === 2);
  world.desired.confirmed();
  await until(() => world.applied.at(-1) === 'r1');
  world.desired.confirmed();
  await until(() => reported(world).revision === 'r1');
  assert.equal(reported(world), { revision: 'r1' });
  world.desired.stop();
});

test('where the one before reaches the cloud in time, the one rolled back is not tried again', async () => {
  const world = new TestDesired({ folder });
  await world.desired.open();
  await rollBack(world);
  assert.equal(world.applied, ['r1', 'own']);
  assert.is(world.limits, 1);
  world.desired.confirmed();
  assert.is(world.limits, 0, 'no doubt is left');
  world.desired.confirmed();
  await takesAnother(world);
  assert.equal(world.codes, ['config-rolled-back', 'config-refused']);
  assert.equal(world.applied, ['r1', 'own']);
  world.desired.stop();
});

test('what cannot be applied is rolled back at once, and the old one is tried until it can be', async () => {
  let failures = 0;
  const world = new TestDesired({
    folder,
    apply: async ({ name }) => {
      if (name === 'r1' || ++failures < 3) throw new Error(`no ${name}`);
    },
  });
  await world.desired.open();
  world.desired.received(message('r1'));
  await until(() => world.changes === 1);
  assert.equal(world.applied, ['own']);
  assert.is(failures, 3);
  assert.match(reported(world).last?.problems[0]?.message ?? '', 'it cannot be applied: no r1');
});

test('what is wrong with it is reported, nothing is applied, and it is said once', async () => {
  await withInForce('r1');
  const world = new TestDesired({ folder });
  await world.desired.open();
  world.desired.received(message('r2', 'bad name'));
  await until(() => world.changes === 1);
  assert.equal(reported(world), {
    revision: 'r1',
    last: {
      revision: 'r2',
      outcome: 'refused',
      problems: [{ key: 'name', message: 'must not begin with bad' }],
    },
  });
  assert.match(world.events[0]?.detail ?? '', 'revision r2: name must not begin with bad');
  world.desired.received(message('r2', 'bad name'));
  world.desired.received({ version: 9, revision: 'r3' });
  await until(() => reported(world).last?.revision === 'r3');
  assert.equal(world.codes, ['config-refused', 'config-refused']);
  assert.equal(world.applied, []);
});

test('problems without end are cut to what the contract has room for', async () => {
  const problems = Array.from({ length: 5000 }, (_, index) => ({
    key: `${index}`.repeat(200),
    message: 'é'.repeat(1000),
  }));
  const world = new TestDesired({ folder });
  const desired = new DesiredConfiguration<string>({
    file: { read: async () => undefined, write: async () => {} },
    own: 'own',
    check: () => ({ problems }),
    apply: async () => {},
    onChange: () => {
      world.changes++;
    },
    onEvent: ({ detail }) => assert.ok(Buffer.byteLength(detail) <= 300),
    log: { info() {}, warn() {}, error() {} },
    monotonic: () => 0,
  });
  await desired.open();
  desired.received(message('r1'));
  await until(() => world.changes === 1);
  const configuration = desired.configuration();
  reportedMessage.shape.configuration.parse(configuration);
  assert.ok(JSON.stringify(configuration).length < 4000);
  assert.ok((configuration.last?.problems.length ?? 0) > 0);
});

test('of several that come during a trial, the newest is tried after it', async () => {
  const world = new TestDesired({ folder });
  await world.desired.open();
  world.desired.received(message('r1'));
  await until(() => world.applied.length === 1);
  for (const revision of ['r2', 'r3', 'r1', 'r4']) world.desired.received(message(revision));
  world.desired.confirmed();
  await until(() => world.applied.length === 2);
  assert.equal(world.applied, ['r1', 'r4']);
  world.desired.stop();
});

test('thousands of messages in a row cost neither thousands of events nor thousands of writes', async () => {
  let writes = 0;
  const file = {
    read: async () => undefined,
    write: async () => {
      writes++;
    },
  };
  const world = new TestDesired({ folder, file });
  await world.desired.open();
  for (let index = 0; index < 5000; index++) world.desired.received(message(`r${index}`, 'bad'));
  await until(() => reported(world).last?.revision === 'r4999');
  assert.ok(writes < 10, `${writes}`);
  for (let index = 0; index < 200; index++) {
    world.desired.received(message(`s${index}`, 'bad'));
    await until(() => reported(world).last?.revision === `s${index}`);
  }
  assert.ok(world.events.length <= 20, `${world.events.length}`);
  for (const nonsense of [null, 1, [], {}, { revision: 5 }, { version: 1, revision: 'x'.repeat(65) }]) {
    world.desired.received(nonsense);
  }
  world.desired.received(message('last'));
  await until(() => world.applied.length === 1);
  world.desired.stop();
});

test('a disk that does not take the note of it: it is refused, never applied unnoted', async () => {
  const file = {
    read: async () => undefined,
    write: () => Promise.reject(new Error('ENOSPC: no space left on device')),
  };
  const world = new TestDesired({ folder, file });
  await world.desired.open();
  world.desired.received(message('r1'));
  await until(() => world.changes === 1);
  assert.equal(world.applied, []);
  assert.match(reported(world).last?.problems[0]?.message ?? '', 'cannot be kept: ENOSPC');
  world.desired.stop();
});

test('what could not be written is written as soon as the disk takes it', async () => {
  let full = false;
  const written: string[] = [];
  const file = {
    read: async () => undefined,
    write: async (content: string) => {
      if (full) throw new Error('ENOSPC');
      written.push(content);
    },
  };
  const world = new TestDesired({ folder, file });
  await world.desired.open();
  world.desired.received(message('r1'));
  await until(() => world.applied.length === 1);
  full = true;
  world.desired.confirmed();
  await until(() => world.changes === 1);
  assert.is(reported(world).revision, 'r1');
  assert.is(written.length, 1);
  full = false;
  await until(() => written.length === 2);
  assert.is(JSON.parse(written[1] ?? '').inForce.revision, 'r1');
});

test('whatever is in the file, there is a configuration to start with', async () => {
  await withInForce('r1');
  const good = readFileSync(join(folder, 'desired.json'), 'utf8');
  const damaged = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json(),
    fc.nat(good.length).map((end) => good.slice(0, end)),
    fc
      .tuple(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }))
      .map(
        ([at, flip]) =>
          good.slice(0, at) + String.fromCharCode(good.charCodeAt(at) ^ flip) + good.slice(at + 1),
      ),
  );
  await fc.assert(
    fc.asyncProperty(damaged, async (content) => {
      writeFileSync(join(folder, 'desired.json'), content);
      const world = new TestDesired({ folder });
      const config = await world.desired.open();
      reported(world);
      assert.type(config.name, 'string');
      world.desired.stop();
    }),
    { numRuns: 200 },
  );
});

test('one that was in force and is no longer valid gives way to the own file, and says so', async () => {
  await withInForce('r1');
  const kept = onDisk();
  kept.inForce.configuration.name = 'bad by now';
  writeFileSync(join(folder, 'desired.json'), JSON.stringify(kept));
  const world = new TestDesired({ folder });
  assert.is(await world.desired.open(), own);
  assert.is(reported(world).last?.outcome, 'refused');
  assert.equal(world.codes, ['config-refused']);
});

test.run();
