import { type LineReading, type NamedReading, readNamed } from '../../telemetry/index.ts';

/** Readings from texts that `writeReadingsLine` made, one each. @throws TelemetryError */
export function readTexts(texts: readonly string[]): LineReading[] {
  return texts.flatMap((text) => readNamed('line', Buffer.from(text)).map(asSent));
}

function asSent({ name, time, value, unit }: NamedReading): LineReading {
  return {
    name,
    value: plain(value),
    ...(unit !== undefined && { unit }),
    ...(time !== undefined && { time }),
  };
}

function plain(value: NamedReading['value']): LineReading['value'] {
  switch (value.type) {
    case 'float64':
    case 'string':
      return value.value;
    case 'uint8':
      return value.value === 1;
    case 'binary':
      throw new Error('a line of readings holds no bytes');
  }
}
