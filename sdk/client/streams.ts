import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import type * as z from 'zod';

/** Characters that one event may have before the stream is given up. */
const eventCharacters = 4 * 1024 * 1024;

/** Server-sent events by the schemas of their names. What has another name is passed over: it is of a newer cloud. */
export async function* eventsIn(
  stream: Readable,
  schemas: Readonly<Record<string, z.ZodType>>,
): AsyncGenerator<{ readonly event: string; readonly data: unknown }> {
  let messages: EventSourceMessage[] = [];
  const parser = createParser({
    onEvent: (message) => void messages.push(message),
    maxBufferSize: eventCharacters,
    onError: (error) => {
      if (error.type === 'max-buffer-size-exceeded') throw error;
    },
  });
  for await (const chunk of stream.setEncoding('utf8')) {
    parser.feed(chunk);
    const ready = messages;
    messages = [];
    for (const { event = 'message', data } of ready) {
      if (!Object.hasOwn(schemas, event)) continue;
      yield { event, data: schemas[event]?.parse(JSON.parse(data)) };
    }
  }
}

/** Lines of text, without their ends. */
export async function* linesIn(stream: Readable): AsyncGenerator<string> {
  let failure: Error | undefined;
  // readline ends without a word where its input breaks: half an export must not look like a whole one.
  stream.once('error', (error) => {
    failure = error;
  });
  try {
    yield* createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY });
  } finally {
    stream.destroy();
  }
  if (failure !== undefined) throw failure;
}

/** The bytes of an answer, as they come. */
export async function* bytesIn(stream: Readable): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream) yield chunk as Uint8Array;
}
