/** Milliseconds between two looks at the clock; and the most of them that count. */
const lookMilliseconds = 10;
const countedMilliseconds = 100;

let awake = 0;
let looked = performance.now();
setInterval(awakeMilliseconds, lookMilliseconds).unref();

/**
 * Milliseconds on a clock that stands still while this machine does: what is promised within two seconds is promised of a
 * machine that runs, and a virtual one may be given no processor for longer than that.
 */
export function awakeMilliseconds(): number {
  const now = performance.now();
  awake += Math.min(now - looked, countedMilliseconds);
  looked = now;
  return awake;
}
