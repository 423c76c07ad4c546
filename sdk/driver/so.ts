import type { Decoded, Driver } from './driver.ts';
import { type Line, LineFramer } from './lines.ts';
import { onlyOptions, textOption, wholeOption } from './options.ts';
import { compileTemplate, type Matcher } from './template.ts';

/**
 * A T24-SO, whose output is text that its owner designed: the port's options say what a line looks like.
 *
 * - `template`: such as `{tag},{value},{lqi}`; see `compileTemplate`
 * - `ending`: what ends a line; default CR LF
 * - `max_bytes`: of the longest line with its ending, 8..1024; default 128
 * - `tag`: four hex digits, where the lines name no tag
 */
export const so: Driver = {
  name: 'so',
  label: 'T24-SO or another source of lines of text, by a template',
  support: 'by-manual',
  transport: { kind: 'serial' },
  open(options) {
    onlyOptions('so', options, ['template', 'ending', 'max_bytes', 'tag']);
    const matcher = compileTemplate(
      textOption(options, 'template', { least: 1, most: 200 }),
      tagOption(options),
    );
    const ending = textOption(options, 'ending', { least: 1, most: 4, fallback: '\r\n' });
    const maxBytes = wholeOption(options, 'max_bytes', { least: 8, most: 1024, fallback: 128 });
    const framer = new LineFramer(Buffer.from(ending, 'latin1'), maxBytes);
    const decode = (line: Line): Decoded => decodedOf(line, matcher);
    return {
      get held() {
        return framer.held;
      },
      push: (chunk) => framer.push(chunk).map(decode),
      stalled: () => framer.stalled().map(decode),
    };
  },
};

function tagOption(options: Readonly<Record<string, unknown>>): number | undefined {
  const { tag } = options;
  if (tag === undefined) return undefined;
  if (typeof tag === 'string' && /^[0-9A-Fa-f]{4}$/.test(tag)) return Number.parseInt(tag, 16);
  throw new Error('options.tag must be four hex digits in quotes, such as "25DF"');
}

function decodedOf(line: Line, matcher: Matcher): Decoded {
  if (line.kind === 'discarded') return line;
  const content = matcher(line.text);
  return content === undefined
    ? { kind: 'discarded', bytes: line.bytes, reason: 'notALine' }
    : { kind: 'frame', bytes: line.bytes, content };
}
