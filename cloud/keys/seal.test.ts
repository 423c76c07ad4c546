import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { needsResealing, openSealed, SealError, sealValue } from './seal.ts';
import { makeTestKeys, type TestKeys } from './test-keys.ts';

const test = suite<{ kept: TestKeys }>('seal');

test.before(async (context) => {
  context.kept = await makeTestKeys();
});
test.after(({ kept }) => kept.remove());

const hers = { what: 'second-factor', owner: 'usr_1' };

async function fault(opening: Promise<string>): Promise<string> {
  try {
    await opening;
  } catch (error) {
    assert.instance(error, SealError);
    return (error as SealError).fault;
  }
  return 'opened';
}

test('opens what was sealed for the same context, whatever the text', async ({ kept }) => {
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: 'grapheme' }),
      fc.string({ unit: 'grapheme' }),
      async (owner, value) => {
        const context = { what: 'second-factor', owner };
        const sealed = await sealValue(kept.keys, context, value);
        assert.is(await openSealed(kept.keys, context, sealed), value);
      },
    ),
    { numRuns: 50 },
  );
});

test('hides the value, and never gives the same text twice', async ({ kept }) => {
  const [one, other] = await Promise.all([
    sealValue(kept.keys, hers, 'JBSWY3DPEHPK3PXP'),
    sealValue(kept.keys, hers, 'JBSWY3DPEHPK3PXP'),
  ]);
  assert.is.not(one, other);
  const readable = one.split('.').map((part) => Buffer.from(part, 'base64url').toString('latin1'));
  assert.not.match(one + readable.join(), 'JBSWY3DP');
});

test('does not open in another row, nor as something else', async ({ kept }) => {
  const sealed = await sealValue(kept.keys, hers, 'secret');
  assert.is(await fault(openSealed(kept.keys, { ...hers, owner: 'usr_2' }, sealed)), 'algorithm');
  assert.is(await fault(openSealed(kept.keys, { ...hers, what: 'mail-password' }, sealed)), 'algorithm');
  const shifted = { what: 'second', owner: '-factorusr_1' };
  assert.is(await fault(openSealed(kept.keys, shifted, sealed)), 'algorithm');
});

test('does not open where the row was rewritten to say it were its own', async ({ kept }) => {
  const sealed = await sealValue(kept.keys, hers, 'secret');
  const other = await sealValue(kept.keys, { ...hers, owner: 'usr_2' }, 'other');
  const [, ...hersAfterHeader] = sealed.split('.');
  const grafted = [other.split('.')[0], ...hersAfterHeader].join('.');
  assert.is(await fault(openSealed(kept.keys, { ...hers, owner: 'usr_2' }, grafted)), 'broken');
});

test('opens after a rotation, says that it is due, and does not open once its version is forgotten', async ({
  kept,
}) => {
  const sealed = await sealValue(kept.keys, hers, 'secret');
  assert.is(needsResealing(kept.keys, sealed), false);
  const old = kept.keys.ids('seal');
  await kept.keys.rotate('seal');
  assert.is(needsResealing(kept.keys, sealed), true);
  assert.is(await openSealed(kept.keys, hers, sealed), 'secret');
  assert.is(needsResealing(kept.keys, await sealValue(kept.keys, hers, 'secret')), false);
  await kept.keys.forget('seal', old);
  assert.is(await fault(openSealed(kept.keys, hers, sealed)), 'key');
  assert.is(await fault(openSealed(kept.keys, { ...hers, owner: 'usr_2' }, sealed)), 'algorithm');
});

test('an error says what does not open, and nothing of what is in it', async ({ kept }) => {
  const sealed = await sealValue(kept.keys, hers, 'secret');
  const cut = sealed.slice(0, -8);
  try {
    await openSealed(kept.keys, hers, cut);
    assert.unreachable();
  } catch (error) {
    assert.match((error as Error).message, 'the sealed second-factor of usr_1 does not open');
    assert.not.match((error as Error).message, cut.split('.')[3] ?? '');
  }
});

test('refuses to seal a document', async ({ kept }) => {
  try {
    await sealValue(kept.keys, hers, 'x'.repeat(10_000));
    assert.unreachable();
  } catch (error) {
    assert.instance(error, RangeError);
  }
});

test.run();
