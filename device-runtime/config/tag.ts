import * as z from 'zod';

const tagAllowed = 'must be four hex digits in quotes, such as "25DF"';
/** A data tag. */
export const tag = () =>
  z
    .string(tagAllowed)
    .regex(/^[0-9a-fA-F]{4}$/, tagAllowed)
    .transform((digits) => Number.parseInt(digits, 16));
