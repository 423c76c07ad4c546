/** The whole number an option of a command was given; throws where it is none from `least` to `most`. */
export function wholeNumber(name: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= least && number <= most) return number;
  throw new Error(`--${name} ${text}: it must be a whole number from ${least} to ${most}`);
}
