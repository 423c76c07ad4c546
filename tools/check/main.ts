// npm run check: every step runs, even after one failed, so that one run tells all there is to mend.
import { join } from 'node:path';
import { runStep, STEPS } from './steps.ts';

const root = join(import.meta.dirname, '../..');

for (const step of STEPS) {
  const { passed, seconds, output } = await runStep(step, root);
  if (!passed) {
    console.log(output.trimEnd());
    process.exitCode = 1;
  }
  console.log(`${passed ? 'ok    ' : 'FAILED'} ${seconds.toFixed(1).padStart(5)} s  ${step.name}`);
}
