export { csvOf } from './csv.ts';
export { csvLine } from './csv-line.ts';
export { parquetOf } from './parquet.ts';
export { senmlOf } from './senml.ts';
