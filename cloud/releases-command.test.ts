import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeTestKeys } from './keys/test-keys.ts';
import { openOnlineKeys } from './releases/online-keys.ts';
import { releasesCommand } from './releases-command.ts';

async function run(now: number, ...args: string[]) {
  const said = { out: '', err: '' };
  const sink = (name: 'out' | 'err') => ({
    write(text: string) {
      said[name] += text;
    },
  });
  const code = await releasesCommand(args, { out: sink('out'), err: sink('err'), now: () => now });
  return { code, ...said };
}

test('it shows the public halves, adds a key, and says what is wrong with how it is called', async () => {
  const state = await makeTestKeys();
  try {
    const { folder, now } = state;
    const missing = await run(now, 'keys', '--state', folder);
    assert.equal([missing.code, missing.out], [1, '']);
    await openOnlineKeys(folder, state.keys, now);
    const before = await run(now, 'keys', '--state', folder, '--json');
    assert.is(before.code, 0);
    const keys = JSON.parse(before.out);
    assert.equal(Object.keys(keys), ['snapshot', 'timestamp']);
    assert.is(keys.snapshot.keytype, 'ed25519');
    const after = await run(now, 'rotate', '--state', folder, '--role', 'timestamp', '--json');
    assert.equal(JSON.parse(after.out).snapshot, keys.snapshot);
    assert.not.equal(JSON.parse(after.out).timestamp, keys.timestamp);
    const shown = await run(now, 'keys', '--state', folder);
    assert.is(shown.out.match(/^timestamp: /gm)?.length, 2);
    assert.not.match(shown.out, /PRIVATE/);
    for (const wrong of [
      ['keys'],
      ['rotate', '--state', folder],
      ['rotate', '--state', folder, '--role', 'root'],
      ['other'],
    ]) {
      assert.is((await run(now, ...wrong)).code, 2, wrong.join(' '));
    }
    assert.is((await run(now, '--help')).code, 0);
  } finally {
    state.remove();
  }
});

test.run();
