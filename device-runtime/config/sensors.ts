import { flag, number, seconds, table, text, whole } from '@loadline/sdk/toml';
import * as z from 'zod';
import { tag } from './tag.ts';

const sendAllowed = 'must be one of "every", "change", "window"';

/** When a sensor's readings are sent: all, those that say something new, or a window's statistics. */
const send = z.discriminatedUnion(
  'policy',
  [
    table({ policy: z.literal('every').describe('every reading') }),
    table({
      policy: z.literal('change').describe('a reading that differs from the one sent last'),
      band: z
        .number('must be a number from 0')
        .nonnegative('must be a number from 0')
        .optional()
        .describe('differs by more than this, in the unit of the sensor'),
      band_percent: z
        .number('must be percent from 0 to 100')
        .min(0, 'must be percent from 0 to 100')
        .max(100, 'must be percent from 0 to 100')
        .optional()
        .describe('differs by more than this share of the one sent last; with both, either'),
      min_seconds: seconds(86_400).optional().describe('not sooner than this after the one sent last'),
      max_seconds: seconds(86_400).optional().describe('the next reading after this is sent in any case'),
    }),
    table({
      policy: z.literal('window').describe('statistics of all readings within a time'),
      seconds: seconds(86_400).describe('length of a window'),
      statistics: z
        .array(
          z.enum(['mean', 'min', 'max', 'last'], 'must be of "mean", "min", "max", "last"'),
          'must be a list',
        )
        .min(1, 'must name at least one statistic')
        .default(['mean'])
        .describe('series of their own: mean, min, max; `last` is the last reading as it was heard'),
    }),
  ],
  sendAllowed,
);

const overload = table({
  low: number().optional().describe('lowest value that is not an overload, in the unit of the sensor'),
  high: number().optional().describe('highest value that is not an overload'),
  hysteresis: z
    .number('must be a number from 0')
    .nonnegative('must be a number from 0')
    .default(0)
    .describe('how far inside the limit it must be again before it counts as inside'),
});

const moduleProfiles = ['plain', 'acquisition'] as const;

/** `[[sensors]]`: what a tag means. */
export const sensor = table({
  tag: tag().describe("the transmitter's data tag"),
  name: text(1, 100).describe('what it measures, for people'),
  unit: text(0, 20).describe('unit of its values'),
  interval_seconds: seconds(86_400).optional().describe('expected seconds between readings'),
  stale_after_seconds: seconds(864_000)
    .optional()
    .describe('silence that makes it stale; default: three intervals'),
  module: text(1, 40).optional().describe('type of the transmitter, such as "T24-SAf"'),
  profile: z
    .enum(moduleProfiles, 'must be "plain" or "acquisition"')
    .default('plain')
    .describe(
      'meaning of its status bits: "plain" shunt and integrity only; "acquisition" also battery and digital lines',
    ),
  gain: number().default(1).describe('physical value = value as heard x gain + offset'),
  offset: number().default(0).describe('in the unit of the sensor'),
  overload: overload.optional(),
  send: send.default({ policy: 'every' }),
  simulated: flag()
    .default(false)
    .describe('true where no real sensor is behind it; shown as such everywhere'),
});

const common = {
  tag: tag().describe('a tag that no transmitter has: the series is known by it'),
  name: text(1, 100).describe('what it is, for people'),
  unit: text(0, 20).describe('unit of its values'),
};
const source = () => text(1, 100).describe('name of a sensor, or of a derived series further up');

/** `[[derived]]`: series that the gateway works out of named sensors. */
export const derived = z.discriminatedUnion(
  'kind',
  [
    table({
      ...common,
      kind: z.literal('sum').describe('the sum of all'),
      of: z
        .array(source(), 'must be a list of names')
        .min(2, 'must name at least two')
        .max(32, 'must name at most 32')
        .describe('names of sensors, or of derived series further up'),
    }),
    table({
      ...common,
      kind: z.literal('difference').describe('the first less the second'),
      of: z
        .array(source(), 'must be two names')
        .length(2, 'must be two names')
        .describe('names of two sensors, or of derived series further up'),
    }),
    table({
      ...common,
      kind: z.literal('tare').describe('the value less its value at the last reset'),
      of: source(),
    }),
    table({
      ...common,
      kind: z.literal('peak').describe('the highest value since the last reset'),
      of: source(),
    }),
  ],
  'must be one of "sum", "difference", "tare", "peak"',
);

/** `[unconfigured]`: tags that no sensor names. */
export const unconfigured = {
  sightings: whole(1, 1000)
    .default(3)
    .describe('how often a tag nobody configured must be heard before its readings count'),
  max_series: whole(0, 65_536).default(64).describe('how many tags nobody configured may become series'),
};
