import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CommandRefused } from './commands.ts';
import { command, idOf, noon, TestCommands } from './test-commands.ts';
import { temporaryFolder, until } from './test-desired.ts';

const test = suite('commands');
const day = 86_400_000;

let temporary: ReturnType<typeof temporaryFolder>;
let folder: string;
test.before.each(() => {
  temporary = temporaryFolder();
  folder = temporary.folder;
});
test.after.each(() => temporary.remove());

async function opened(options: Partial<ConstructorParameters<typeof TestCommands>[0]> = {}) {
  const world = new TestCommands({ folder, ...options });
  await world.commands.open();
  return world;
}

test('is carried out once, answered, and an event', async () => {
  const world = await opened();
  world.commands.received(command(1));
  await until(() => world.results.length === 1);
  assert.equal(world.results[0], { version: 1, id: idOf(1), outcome: 'done', detail: 'health was sent' });
  assert.equal(world.events, [
    { code: 'command-done', subject: '', detail: `report ${idOf(1)}: health was sent` },
  ]);
});

test('is on disk before it is carried out', async () => {
  let onDisk = '';
  const world = await opened({
    report: async () => {
      onDisk = readFileSync(join(folder, 'commands.json'), 'utf8');
      return 'done';
    },
  });
  world.commands.received(command(1));
  await until(() => world.results.length === 1);
  assert.match(onDisk, idOf(1));
  assert.is(JSON.parse(onDisk).begun[0].outcome, null);
});

test('one that comes again gets the same answer and is not carried out again, also after a restart', async () => {
  const world = await opened();
  for (let again = 0; again < 3; again++) world.commands.received(command(1));
  await until(() => world.results.length === 1);
  world.commands.received(command(1));
  await until(() => world.results.length === 2);
  const next = await opened();
  next.commands.received(command(1));
  await until(() => next.results.length === 1);
  assert.equal(next.results[0], world.results[1]);
  assert.is(world.carriedOut + next.carriedOut, 1);
});

test('each kind goes to its executor, with the time until which it may begin', async () => {
  const world = await opened();
  const body = { kind: 'transmit', port: 'mast', base: 1, to: 5, action: 'wake' };
  world.commands.received({ ...command(1), command: body });
  world.commands.received({ ...command(2), command: { kind: 'reset-derived', tag: 7 } });
  await until(() => world.results.length === 2);
  assert.equal(
    world.results.map(({ detail }) => detail),
    [`wake on mast by ${1000 + 59_500}`, 'tag 7'],
  );
});

test('what has expired, or may have, is not carried out', async () => {
  const world = await opened();
  world.commands.received(command(1, noon - 1));
  world.commands.received(command(2, noon + 500));
  world.commands.received(command(3, noon + 501));
  await until(() => world.results.length === 3);
  assert.equal(world.outcomes, ['expired', 'expired', 'done']);
  assert.equal(world.codes, ['command-refused', 'command-refused', 'command-done']);
});

test('one that expires while others are before it is not carried out', async () => {
  const { promise: slow, resolve: go } = Promise.withResolvers<string>();
  const world = await opened({ report: () => slow });
  world.commands.received(command(1));
  world.commands.received(command(2));
  await until(() => world.carriedOut === 1);
  world.pass(61_000);
  go('at last');
  await until(() => world.results.length === 2);
  assert.equal(world.outcomes, ['done', 'expired']);
});

test('one that expires while it is being noted is not carried out', async () => {
  const world = new TestCommands({
    folder,
    file: {
      read: async () => undefined,
      write: async () => world.pass(61_000),
    },
  });
  await world.commands.open();
  world.commands.received(command(1));
  await until(() => world.results.length === 1);
  assert.equal(world.outcomes, ['expired']);
  assert.is(world.carriedOut, 0);
});

test('nothing is carried out while nobody vouches for the time, and it is said why', async () => {
  const world = await opened();
  world.time = { kind: 'at-least', wall: noon };
  world.commands.received(command(1, noon + 1000));
  world.commands.received(command(2, noon - 1000));
  await until(() => world.results.length === 2);
  assert.equal(world.outcomes, ['refused', 'expired']);
  assert.match(world.results[0]?.detail ?? '', 'nobody vouches');
  world.time = { kind: 'known', by: 'system', wall: noon, uncertainty: 0 };
  world.commands.received(command(1, noon + 1000));
  await until(() => world.results.length === 3);
  assert.is(world.results[2]?.outcome, 'refused', 'what was refused stays refused');
  assert.is(world.carriedOut, 0);
});

test('one that could be repeated for longer than a day is refused', async () => {
  const world = await opened();
  world.commands.received(command(1, noon + day + 400_000));
  world.commands.received(command(2, Number.MAX_SAFE_INTEGER));
  world.commands.received(command(3, noon + day));
  await until(() => world.results.length === 3);
  assert.equal(world.outcomes, ['refused', 'refused', 'done']);
});

test('an executor that will not, that fails, and that never ends', async () => {
  const errors = [new CommandRefused('transmission is off'), new Error('port closed'), undefined];
  const world = await opened({
    executeMilliseconds: 20,
    report: () => {
      const error = errors.shift();
      return error ? Promise.reject(error) : new Promise(() => {});
    },
  });
  for (const number of [1, 2, 3]) world.commands.received(command(number));
  await until(() => world.results.length === 3);
  assert.equal(world.outcomes, ['refused', 'failed', 'failed']);
  assert.match(world.results[2]?.detail ?? '', 'no outcome within 20 ms');
  assert.equal(world.codes, ['command-refused', 'command-failed', 'command-failed']);
});

test('results are sent again on the next link, until they are acknowledged', async () => {
  const world = await opened();
  world.online = false;
  world.commands.received(command(1));
  world.commands.received(command(2, noon - 1));
  await until(() => world.results.length === 2);
  await new Promise(setImmediate);
  world.online = true;
  world.commands.connected();
  await until(() => world.results.length === 4);
  await new Promise(setImmediate);
  world.commands.connected();
  await new Promise(setImmediate);
  assert.is(world.results.length, 4);
});

test('a result that was not acknowledged before a restart is sent after it', async () => {
  const world = await opened();
  world.online = false;
  world.commands.received(command(1));
  await until(() => world.results.length === 1);
  const next = await opened();
  next.commands.connected();
  await until(() => next.results.length === 1);
  assert.equal(next.results[0], world.results[0]);
});

test('where the disk does not take the note, it is not carried out', async () => {
  let full = true;
  const written: string[] = [];
  const world = await opened({
    file: {
      read: async () => undefined,
      write: async (content) => {
        if (full) throw new Error('ENOSPC');
        written.push(content);
      },
    },
  });
  world.commands.received(command(1));
  await until(() => world.results.length === 1);
  assert.is(world.results[0]?.outcome, 'refused');
  assert.match(world.results[0]?.detail ?? '', 'cannot be remembered: ENOSPC');
  assert.is(world.carriedOut, 0);
  full = false;
  world.commands.received(command(2));
  await until(() => world.results.length === 2);
  assert.is(world.carriedOut, 1);
  assert.not.match(written.join(''), idOf(1));
  world.commands.stop();
});

test('a memory that was lost lets nothing be repeated: for a day, commands are refused', async () => {
  writeFileSync(join(folder, 'commands.json'), '{"version":1,"begun":[{"id"');
  const world = await opened();
  world.commands.received(command(1));
  await until(() => world.results.length === 1);
  assert.is(world.results[0]?.outcome, 'refused');
  const next = await opened();
  next.commands.received(command(2));
  await until(() => next.results.length === 1);
  assert.is(next.results[0]?.outcome, 'refused');
  next.pass(day);
  next.commands.received(command(3, next.time.wall + 400_000));
  await until(() => next.results.length === 2);
  assert.is(next.results[1]?.outcome, 'done');
  assert.is(world.carriedOut + next.carriedOut, 1);
});

test('thousands of commands are bounded in memory, on disk, in events and in what is carried out', async () => {
  let written = 0;
  // Hundreds of writes: how long a disk takes for them is not the matter.
  const file = {
    read: async () => undefined,
    write: async (content: string) => {
      written = Buffer.byteLength(content);
    },
  };
  const world = await opened({ file });
  for (let number = 0; number < 3000; number++) world.commands.received(command(number));
  await until(() => world.results.length === 3000);
  assert.ok(world.carriedOut <= 101, `${world.carriedOut}`);
  for (let burst = 0; burst < 4; burst++) {
    const from = 3000 + burst * 100;
    for (let number = from; number < from + 100; number++) world.commands.received(command(number));
    await until(() => world.results.length === from + 100);
  }
  assert.is(world.carriedOut, 256);
  assert.match(world.results.at(-1)?.detail ?? '', '256 commands');
  assert.ok(world.events.length < 256 + 30, `${world.events.length}`);
  assert.ok(written > 256 * 36 && written < 64 * 1024, `${written} bytes`);
  world.pass(62_000);
  world.commands.received(command(9000, world.time.wall + 60_000));
  await until(() => world.results.length === 3401);
  assert.is(world.results.at(-1)?.outcome, 'done', 'what has expired makes room');
});

test('whatever comes, nothing is thrown, and what has an id is answered', async () => {
  const world = await opened();
  const hostile = fc.oneof(
    fc.jsonValue(),
    fc.record({ id: fc.constant(idOf(1)), version: fc.jsonValue(), command: fc.jsonValue() }),
    fc
      .constantFrom('format', '__proto__', 'constructor')
      .map((kind) => ({ ...command(2), command: { kind } })),
  );
  fc.assert(fc.property(hostile, (message) => world.commands.received(message)));
  world.commands.received({ ...command(3), command: { kind: 'self-destruct' } });
  world.commands.received({
    ...command(4),
    command: { kind: 'transmit', port: 'p', base: 1, to: 0xffffff, action: 'wake' },
  });
  await until(() => [3, 4].every((number) => world.results.some(({ id }) => id === idOf(number))));
  assert.is(world.carriedOut, 0);
  assert.ok(world.results.every(({ outcome }) => outcome === 'refused'));
  assert.ok(world.logged.length <= 20);
});

test('whatever is in the file, it opens', async () => {
  const world = await opened();
  world.commands.received(command(1));
  await until(() => world.results.length === 1);
  const good = readFileSync(join(folder, 'commands.json'), 'utf8');
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.json(),
        fc.nat(good.length - 2).map((end) => good.slice(0, end)),
      ),
      async (content) => {
        writeFileSync(join(folder, 'commands.json'), content);
        const next = await opened();
        next.commands.received(command(1));
        await until(() => next.results.length === 1);
        assert.is(next.carriedOut, 0, 'it was carried out before');
      },
    ),
    { numRuns: 100 },
  );
});

test('what came with the link waits until the cloud has said what time it is, and for no more than ten seconds', async () => {
  const world = await opened();
  const known = world.time;
  world.time = { kind: 'at-least', wall: noon - day };
  world.commands.connected();
  world.commands.received(command(1));
  await new Promise((resolve) => setTimeout(resolve, 60));
  assert.is(world.results.length, 0);
  world.time = known;
  await until(() => world.results.length === 1);
  world.time = { kind: 'at-least', wall: noon - day };
  world.commands.received(command(2));
  world.commands.received(command(3, noon - 2 * day));
  world.pass(10_000);
  await until(() => world.results.length === 3);
  assert.equal(world.outcomes, ['done', 'refused', 'expired']);
});

test('one that still waits for that when the gateway stops is not answered: the next run will be asked again', async () => {
  const world = await opened();
  world.time = { kind: 'at-least', wall: noon - day };
  world.commands.connected();
  world.commands.received(command(1));
  world.commands.stop();
  await new Promise((resolve) => setTimeout(resolve, 60));
  assert.equal([world.results, world.events], [[], []]);
});

test.run();
