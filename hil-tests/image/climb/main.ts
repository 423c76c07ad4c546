// One rung in a process of its own, started by `npm run test:image` with its order as JSON.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Rung, RungEnded } from '../rung.ts';
import { climb, type Order } from '../rungs.ts';

const order = JSON.parse(process.argv[2] ?? '') as Order;
const rung = new Rung(order.rung, order.folder, (line) => process.stderr.write(`${line}\n`));
const tellWhatWasShown = () =>
  writeFileSync(join(order.folder, 'shown.json'), `${JSON.stringify(rung.shown, undefined, 2)}\n`);
// Whatever was started ends with this process: emulators, clouds and ttys hear of its exit.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    tellWhatWasShown();
    process.exit(1);
  });
}
try {
  await climb(rung, order);
} catch (error) {
  // Who failed at something that is shown has said so.
  if (!(error instanceof RungEnded)) rung.fail(error as Error);
}
tellWhatWasShown();
process.exit();
