import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { keptFile } from './state-file.ts';
import { command, idOf, TestCommands } from './test-commands.ts';
import { temporaryFolder, until } from './test-desired.ts';

const test = suite('commands, cut off at every step');

/**
 * One life of a runtime over a real file, to the end or to the step at which it is cut off. The cloud gives all
 * commands on each connection, as it does with those it has no result of.
 */
async function live(folder: string, numbers: readonly number[], cutAt: number) {
  let steps = 0;
  let dead = false;
  const never = new Promise<never>(() => {});
  const step = async (): Promise<void> => {
    if (dead || steps++ === cutAt) {
      dead = true;
      await never;
    }
  };
  const disk = keptFile(join(folder, 'commands.json'));
  const world = new TestCommands({
    folder,
    file: {
      read: disk.read,
      write: async (content) => {
        await step();
        await disk.write(content);
        await step();
      },
    },
    report: async () => {
      await step();
      return 'done';
    },
  });
  const answered = () => numbers.every((number) => world.results.some(({ id }) => id === idOf(number)));
  void world.commands.open().then(() => {
    world.commands.connected();
    for (const number of numbers) world.commands.received(command(number));
  });
  await until(() => dead || answered());
  world.commands.stop();
  return { steps, dead, world };
}

test('cut off at any step, twice, no command is carried out twice, and each gets one answer', async () => {
  for (let first = 0; first < 12; first++) {
    for (let second = 0; second < 12; second++) {
      const { folder, remove } = temporaryFolder();
      try {
        const worlds = [];
        let life = await live(folder, [1, 2], first);
        worlds.push(life.world);
        const uncut = !life.dead;
        for (const at of [second, Number.POSITIVE_INFINITY]) {
          if (!life.dead) break;
          life = await live(folder, [1, 2], at);
          worlds.push(life.world);
        }
        assert.not.ok(life.dead);
        const carriedOut = worlds.reduce((sum, world) => sum + world.carriedOut, 0);
        assert.ok(carriedOut <= 2, `${carriedOut} times, cut off at ${first} and ${second}`);
        for (const number of [1, 2]) {
          const answers = worlds
            .flatMap(({ results }) => results)
            .filter(({ id }) => id === idOf(number))
            .map(({ outcome, detail }) => `${outcome} ${detail}`);
          const last = answers.at(-1) ?? '';
          assert.ok(
            last === 'done done' || last.startsWith('failed begun before a restart'),
            `${number}: ${last}`,
          );
          assert.is(new Set(answers).size, 1, `${number} was answered ${answers.join(', then ')}`);
        }
        if (uncut) return assert.ok(first >= 10, `${first} steps`);
      } finally {
        remove();
      }
    }
  }
});

test.run();
