import { type NamedReading, type SenmlForm, SenmlWriter, type SeriesOfTag } from '@loadline/sdk/telemetry';
import { physicalAt, type Readings, storedReadingAt } from '../store/index.ts';

/** A series as SenML (RFC 8428), a piece for each page: physical numbers, each with its name, unit and time. */
export async function* senmlOf(
  pages: AsyncIterable<Readings>,
  series: SeriesOfTag,
  about: { readonly form: SenmlForm; readonly name: string; readonly unit: string | undefined },
): AsyncGenerator<Uint8Array, undefined> {
  const writer = new SenmlWriter(about.form);
  for await (const page of pages) yield writer.add(named(page, series, about));
  yield writer.end();
  return undefined;
}

/** A reading without a value has no record: SenML has none for it. */
function* named(
  page: Readings,
  series: SeriesOfTag,
  { name, unit }: { readonly name: string; readonly unit: string | undefined },
): Generator<NamedReading> {
  for (let at = 0; at < page.count; at++) {
    const { time, reading } = storedReadingAt(page, series, at);
    const value = namedValue(reading.value, physicalAt(page, at));
    if (value !== undefined) yield { name, unit, time, sinceArrival: undefined, value };
  }
}

function namedValue(
  heard: ReturnType<typeof storedReadingAt>['reading']['value'],
  physical: number | null,
): NamedReading['value'] | undefined {
  switch (heard.type) {
    case 'string':
      return { type: 'string', value: heard.value };
    case 'binary':
      return { type: 'binary', value: heard.value };
    case 'none':
    case 'nonFinite':
      return undefined;
    default:
      return physical === null ? undefined : { type: 'float64', value: physical };
  }
}
