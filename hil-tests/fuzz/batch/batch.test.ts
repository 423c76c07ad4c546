// Spoilt deliveries; `npm run fuzz -- batch` throws as many as one likes.
import { decodeBatch, readNamed } from '@loadline/sdk/telemetry';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Decoders, fuzzBatch } from './run.ts';

const test = suite('spoilt deliveries');

const seed = Number(process.env.LOADLINE_SEED ?? 1);

test('are read whole, or refused by a code that there is', async () => {
  const run = await fuzzBatch({ bytes: 100_000, seed });
  assert.equal(run.faults, [], `LOADLINE_SEED=${seed}`);
  assert.ok(run.blocks.all > run.blocks.first && run.kept > 20, JSON.stringify(run));
  for (const outcome of [
    'batch: accepted',
    'batch: batch-malformed',
    'json: accepted',
    'senml-cbor: accepted',
  ])
    assert.ok((run.outcomes[outcome] ?? 0) > 0, `${outcome}: ${JSON.stringify(run.outcomes)}`);
});

/** Decoders that are not in order, and what is said of them. */
const broken: readonly (readonly [string, Partial<Decoders>, RegExp])[] = [
  [
    'loses a series',
    {
      decodeBatch: (bytes) => {
        const batch = decodeBatch(bytes);
        return batch.series.length > 1 ? { ...batch, series: batch.series.slice(1) } : batch;
      },
    },
    /entries, and another number is in it/,
  ],
  [
    'fails in words of its own',
    {
      decodeBatch: (bytes) => {
        if (bytes.length < 20) throw new RangeError('too short');
        return decodeBatch(bytes);
      },
    },
    /RangeError: too short/,
  ],
  [
    'lets a name pass that is none',
    { readNamed: (form, body) => readNamed(form, body).map((one) => ({ ...one, name: `${one.name} ` })) },
    /a series named/,
  ],
];

for (const [what, decoders, says] of broken) {
  test(`the control: a decoder that ${what} is found out`, async () => {
    const { faults } = await fuzzBatch({
      ...{ bytes: 40_000, seed },
      decoders: { decodeBatch, readNamed, ...decoders },
    });
    assert.match(faults[0] ?? 'nothing was found', says);
  });
}

test.run();
