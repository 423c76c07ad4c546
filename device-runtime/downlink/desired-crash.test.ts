import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { keptFile } from './state-file.ts';
import { message, type Named, TestDesired, temporaryFolder, until } from './test-desired.ts';
import { after } from './trial.ts';

const test = suite('desired configuration, cut off at every step');

/** How the new configuration turns out. */
type Fate = 'reaches the cloud' | 'does not' | 'ends the runtime';

interface Run {
  /** Steps that were taken: each a place to be cut off at. */
  readonly steps: number;
  readonly cut: boolean;
  /** What runs at the end. */
  readonly runs: string;
  readonly tried: boolean;
}

/**
 * One life of a runtime over a real file, to its end or to the step at which it is cut off. The cloud sends what it
 * desires on each connection, and acknowledges what comes over a link that reaches it.
 */
async function live(folder: string, fate: Fate, cutAt: number): Promise<Run> {
  let steps = 0;
  let dead = false;
  let tried = false;
  const never = new Promise<never>(() => {});
  const step = async (): Promise<void> => {
    if (dead || steps++ === cutAt) {
      dead = true;
      await never;
    }
  };
  const disk = keptFile(join(folder, 'desired.json'));
  const file = {
    read: disk.read,
    write: async (content: string) => {
      await step();
      await disk.write(content);
      await step();
    },
  };
  let running = '';
  const run = (config: Named): void => {
    running = config.name;
    if (config.name !== 'r2') {
      // A link that stands: the cloud says what it desires, and acknowledges.
      world.desired.confirmed();
      world.desired.received(message('r2'));
      return;
    }
    tried = true;
    if (fate === 'ends the runtime') dead = true;
    if (fate !== 'reaches the cloud') return;
    void step().then(() => {
      world.desired.confirmed();
      world.desired.received(message('r2'));
    });
  };
  const apply = async (config: Named): Promise<void> => {
    await step();
    // The link is made once this has resolved.
    setImmediate(() => !dead && run(config));
    await step();
  };
  const world = new TestDesired({
    folder,
    file,
    apply,
    after: (_, late) => (fate === 'reaches the cloud' ? () => {} : after(15, late)),
  });
  const opened = world.desired.open().then((config) => setImmediate(() => !dead && run(config)));
  const settled = () => {
    const { revision, last } = world.desired.configuration();
    const inForce = revision ?? 'own';
    return running === inForce && (inForce === 'r2' || last?.outcome === 'rolled-back');
  };
  await Promise.race([opened, until(() => dead || running !== '')]);
  await until(() => dead || settled(), `the end of a run with ${running}`);
  world.desired.stop();
  return { steps, cut: dead, runs: running, tried };
}

/** Starts over and over, cut off at the given steps and then no more; what runs at the end. */
async function lives(fate: Fate, cuts: readonly number[]): Promise<{ first: Run; last: Run }> {
  const { folder, remove } = temporaryFolder();
  try {
    const first = await live(folder, fate, cuts[0] as number);
    let last = first;
    let tries = first.tried ? 1 : 0;
    for (let start = 1; last.cut; start++) {
      assert.ok(start < 6, `${start} starts and no end`);
      last = await live(folder, fate, cuts[start] ?? Number.POSITIVE_INFINITY);
      if (last.tried) tries++;
    }
    // Once, once more, and once more where what was noted of the first did not get to the disk.
    assert.ok(fate === 'reaches the cloud' || tries <= 3, `tried ${tries} times`);
    return { first, last };
  } finally {
    remove();
  }
}

for (const fate of ['reaches the cloud', 'does not', 'ends the runtime'] as const) {
  test(`a new configuration that ${fate}: cut off at any step, the next start comes to the right end`, async () => {
    const right = fate === 'reaches the cloud' ? 'r2' : 'own';
    let cut = 0;
    for (let at = 0; at < 30; at++) {
      const { first, last } = await lives(fate, [at]);
      assert.is(last.runs, right, `cut off at step ${at}`);
      if (first.steps <= at) break;
      cut++;
    }
    assert.ok(cut >= 4 && cut < 30, `${cut} steps`);
  });

  test(`a new configuration that ${fate}: cut off twice, it is one or the other, and never a trial for ever`, async () => {
    for (let at = 0; at < 6; at++) {
      for (let again = 0; again < 5; again++) {
        const { last } = await lives(fate, [at, again]);
        if (fate === 'reaches the cloud') assert.ok(['own', 'r2'].includes(last.runs));
        else assert.is(last.runs, 'own', `cut off at steps ${at} and ${again}`);
      }
    }
  });
}

test.run();
