import { zstdCompressSync } from 'node:zlib';
import type { SeriesOfTag } from '@loadline/sdk/telemetry';
import { type BasicType, ByteWriter, ParquetWriter, schemaFromColumnData } from 'hyparquet-writer';
import type { Readings } from '../store/index.ts';
import { type Row, rowsOf } from './rows.ts';

type Cell = Date | number | bigint | string | boolean | null;

/** Columns of the file: what each is of a row, and whether it may be null. */
const columns: readonly {
  readonly name: string;
  readonly type: BasicType;
  readonly nullable: boolean;
  readonly of: (row: Row) => Cell;
}[] = [
  { name: 'time', type: 'TIMESTAMP', nullable: false, of: ({ time }) => new Date(time) },
  { name: 'arrival', type: 'TIMESTAMP', nullable: false, of: ({ arrival }) => new Date(arrival) },
  { name: 'value', type: 'DOUBLE', nullable: true, of: ({ value }) => value },
  { name: 'text', type: 'STRING', nullable: true, of: ({ text }) => text },
  { name: 'raw', type: 'DOUBLE', nullable: true, of: ({ raw }) => raw },
  { name: 'gain', type: 'DOUBLE', nullable: true, of: ({ gain }) => gain },
  { name: 'offset', type: 'DOUBLE', nullable: true, of: ({ offset }) => offset },
  { name: 'battery_low', type: 'BOOLEAN', nullable: false, of: ({ batteryLow }) => batteryLow },
  { name: 'error', type: 'BOOLEAN', nullable: false, of: ({ error }) => error },
  { name: 'status', type: 'INT32', nullable: false, of: ({ status }) => status },
  { name: 'quality', type: 'INT32', nullable: true, of: ({ quality }) => quality },
  { name: 'port', type: 'STRING', nullable: false, of: ({ port }) => port },
  { name: 'base', type: 'INT32', nullable: false, of: ({ base }) => base },
  { name: 'epoch', type: 'STRING', nullable: false, of: ({ epoch }) => epoch },
  { name: 'number', type: 'INT64', nullable: false, of: ({ number }) => BigInt(number) },
];

const compressors = { ZSTD: (bytes: Uint8Array) => new Uint8Array(zstdCompressSync(bytes)) };

/** A writer whose bytes are taken away page by page, so that a file of any length needs little memory. */
class PieceWriter extends ByteWriter {
  take(): Uint8Array {
    const bytes = this.getBytes().slice();
    this.index = 0;
    return bytes;
  }
}

/** A series as Parquet, each page a row group, compressed with zstd. */
export async function* parquetOf(
  pages: AsyncIterable<Readings>,
  series: SeriesOfTag,
): AsyncGenerator<Uint8Array, undefined> {
  const writer = new PieceWriter();
  const dataOf = (rows: readonly Row[]) =>
    columns.map(({ name, type, nullable, of }) => ({ name, type, nullable, data: rows.map(of) }));
  const schema = schemaFromColumnData({ columnData: dataOf([]) });
  const parquet = new ParquetWriter({ writer, schema, codec: 'ZSTD', compressors, createdBy: 'loadline' });
  for await (const page of pages) {
    const columnData = dataOf([...rowsOf(page, series)]).map(({ name, data }) => ({ name, data }));
    await parquet.write({ columnData, rowGroupSize: page.count });
    yield writer.take();
  }
  await parquet.finish();
  yield writer.take();
  return undefined;
}
