import { optionalTable, whole } from '@loadline/sdk/toml';
import * as z from 'zod';
import { parseWindow } from './window.ts';

const windowAllowed = 'must be like "02:00-04:00", in UTC, and may go over midnight';

/** `[update]`: other releases, over the air. */
export const update = optionalTable({
  enabled: z
    .boolean('must be true or false')
    .default(true)
    .describe('whether releases that the cloud offers are fetched and tried'),
  window: z
    .string(windowAllowed)
    .refine((text) => parseWindow(text) !== undefined, windowAllowed)
    .optional()
    .describe('time of day, UTC, in which they are: "02:00-04:00"; without it, at any time'),
  bytes_per_second: whole(1024, 1_000_000_000)
    .optional()
    .describe('most bytes a second that fetching them takes; readings always go first'),
});
