import * as z from 'zod';

/** The kinds of values that keys of the configuration have. Each says in its error what is allowed. */

export const whole = (from: number, to: number) => {
  const allowed = `must be a whole number from ${from} to ${to}`;
  return z.number(allowed).int(allowed).min(from, allowed).max(to, allowed);
};

/** A finite number; `range` says in words what is allowed. */
export const number = (allowed = 'must be a number') => z.number(allowed);

export const text = (from: number, to: number) => {
  const allowed = `must be text of ${from} to ${to} characters, in quotes`;
  return z.string(allowed).min(from, allowed).max(to, allowed);
};

export const path = () => text(1, 4096);
export const flag = () => z.boolean('must be true or false');

/** Seconds above 0, with fractions. */
export const seconds = (most: number) => {
  const allowed = `must be a number of seconds above 0 and up to ${most}`;
  return z.number(allowed).positive(allowed).max(most, allowed);
};

export const table = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.strictObject(shape, {
    error: (issue) => (issue.code === 'invalid_type' ? 'must be a table' : undefined),
  });

/** A table that may be left out, because each of its keys has a default. */
export const optionalTable = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  table(shape).prefault({} as never);

/** Refuses a second element with the same `key`, at that element. */
export const distinct =
  <Element>(key: string & keyof Element) =>
  (context: z.core.ParsePayload<Element[]>): void => {
    const seen = new Set<unknown>();
    context.value.forEach((element, index) => {
      if (seen.has(element[key])) {
        context.issues.push({
          code: 'custom',
          input: element[key],
          path: [index, key],
          message: `must be different from every other ${key} in this list`,
          // Goes on to the next check: all errors are told at once.
          continue: true,
        });
      }
      seen.add(element[key]);
    });
  };
