import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { decodeBatch, type Entry, readNamed } from '@loadline/sdk/telemetry';
import { parquetReadObjects } from 'hyparquet';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Store } from '../store/index.ts';
import { delivery, device, firstGateway } from '../store/test-store.ts';
import type { DeliveryWrite, Outcome } from '../store/writes.ts';
import { csvLine, csvOf, parquetOf, senmlOf } from './index.ts';

const wall = 1_790_000_000_000;
const series = { device, tag: 7, aspect: 'heard' } as const;
const test = suite<{ folder: string; store: Store }>('exports of a series');

async function commit(store: Store, write: DeliveryWrite): Promise<void> {
  const outcome = await new Promise<Outcome>((resolve) => store.write(write, resolve));
  if (outcome.kind !== 'delivery' || outcome.id === undefined) throw new Error(outcome.kind);
  store.index.add(write.device, decodeBatch(write.body), outcome.fresh, outcome.timeline, Date.now());
  store.indexed(outcome.id);
}

const values = [
  { type: 'float32', value: 0.5 },
  { type: 'int32', value: -3 },
  { type: 'string', value: '=1+1,"ü"' },
  { type: 'binary', value: Uint8Array.of(0, 255) },
  { type: 'nonFinite', bits: 0x7fc00000 },
  { type: 'none' },
] as const;

test.before(async (context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'loadline-export-'));
  const options = {
    file: join(context.folder, 'loadline.db'),
    key: 'a5'.repeat(32),
    durability: 'off' as const,
  };
  context.store = await Store.open(options, assert.unreachable);
  await context.store.change({ steps: firstGateway, audit: [] });
  const anchor: Entry = { kind: 'anchor', monotonic: 0, wall, uncertainty: 5 };
  const readings = Array.from(
    { length: 600 },
    (_, at): Entry => ({
      ...{ kind: 'reading', port: 'radio', base: 3, tag: series.tag, aspect: series.aspect },
      calibration: at % 2 === 0 ? { gain: 2, offset: 1 } : undefined,
      monotonic: at * 1001,
      value: values[at % values.length] as (typeof values)[number],
      ...{ flags: 0x40, status: 9, quality: { kind: 'lqi', percent: 80 } },
    }),
  );
  await commit(context.store, delivery(0, [anchor, ...readings]));
});
test.after(async ({ store, folder }) => {
  await store.close();
  rmSync(folder, { recursive: true });
});

/** Small pages: whatever is made of them must not depend on where one ends. */
const pages = (store: Store) => store.readings({ ...series, from: 0, to: 9e15 }, 37);

async function gathered(pieces: AsyncIterable<string | Uint8Array>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const piece of pieces) parts.push(Buffer.from(piece as Uint8Array));
  return Buffer.concat(parts);
}

test('CSV has a line a reading, with both times and all that it is made of', async ({ store }) => {
  const lines = (await gathered(csvOf(pages(store), series))).toString().split('\r\n');
  assert.is(lines.length, 602);
  assert.match(lines[0] ?? '', /^time,arrival,value,text,raw,gain,offset,/);
  const [time, , ...rest] = (lines[1] ?? '').split(',');
  assert.is(time, new Date(wall).toISOString());
  const epoch = 'e0'.repeat(16);
  assert.equal(rest, ['2', '', '0.5', '2', '1', 'true', 'false', '9', '80', 'radio', '3', epoch, '1']);
  assert.match(lines[3] ?? '', /,,"'=1\+1,""ü""",,2,1,/);
  assert.match(lines[4] ?? '', /,,AP8=,,,,/);
});

test('what a spreadsheet would run is text in it, and numbers stay numbers', () => {
  assert.is(
    csvLine(['=a', '+a', '-a', '@a', '\ta', -5, 'a=b', null, true]),
    "'=a,'+a,'-a,'@a,'\ta,-5,a=b,,true\r\n",
  );
});

for (const form of ['senml', 'senml-cbor'] as const) {
  test(`${form} is read back as it was, by name, with unit and time`, async ({ store }) => {
    const about = { form, name: 'mast:0007', unit: 'Cel' };
    const pack = await gathered(senmlOf(pages(store), series, about));
    const read = readNamed(form, pack).map(({ name, time, unit, value }) => ({ name, time, unit, value }));
    assert.is(read.length, 400);
    assert.equal(read.slice(0, 3), [
      {
        name: 'mast:0007',
        time: wall,
        unit: 'Cel',
        value: { type: 'float64', value: 2 },
      },
      {
        ...{ name: 'mast:0007', time: wall + 1001, unit: 'Cel' },
        value: { type: 'float64', value: -3 },
      },
      {
        ...{ name: 'mast:0007', time: wall + 2002, unit: 'Cel' },
        value: { type: 'string', value: '=1+1,"ü"' },
      },
    ]);
  });
}

test('Parquet is read back by a reader of it, row group by row group', async ({ store }) => {
  const file = await gathered(parquetOf(pages(store), series));
  const buffer = file.buffer.slice(file.byteOffset, file.byteOffset + file.length) as ArrayBuffer;
  const compressors = { ZSTD: (bytes: Uint8Array) => new Uint8Array(zstdDecompressSync(bytes)) };
  const rows = await parquetReadObjects({ file: buffer, compressors });
  assert.is(rows.length, 600);
  const { time, value, raw, gain, text, battery_low, quality, number, port } = rows[0] as Record<
    string,
    unknown
  >;
  assert.equal([time, value, raw, gain, text ?? null], [new Date(wall), 2, 0.5, 2, null]);
  assert.equal([battery_low, quality, number, port], [true, 80, 1n, 'radio']);
  assert.is(rows[2]?.text, '=1+1,"ü"');
  assert.equal(
    rows.map((row) => (row.time as Date).getTime()),
    Array.from({ length: 600 }, (_, at) => wall + at * 1001),
  );
});

test('a series without readings is an empty file of its form', async ({ store }) => {
  const none = () => store.readings({ ...series, tag: 8, from: 0, to: 9e15 });
  assert.is((await gathered(csvOf(none(), series))).toString().trim().split('\r\n').length, 1);
  const about = { form: 'senml', name: 'a', unit: undefined } as const;
  assert.is((await gathered(senmlOf(none(), series, about))).toString(), '[]');
  const file = await gathered(parquetOf(none(), series));
  const buffer = file.buffer.slice(file.byteOffset, file.byteOffset + file.length) as ArrayBuffer;
  assert.equal(await parquetReadObjects({ file: buffer }), []);
});

test.run();
