import type { LogLine } from '@loadline/hil-tests/system';
import { buildBundlesOfCheckout } from './bundles.ts';
import type { StartOptions } from './options.ts';
import { Plant, type RunReport } from './plant.ts';

/**
 * Runs the plant until it is done or interrupted; its exit code. With `json` standard output gets one line, what
 * the run brought; people's words go to standard error.
 */
export async function run(options: StartOptions, output: 'text' | 'json'): Promise<number> {
  const say = (text: string) => (output === 'json' ? process.stderr : process.stdout).write(`${text}\n`);
  let isInterrupted = false;
  const interrupted = new Promise<'interrupted'>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        isInterrupted = true;
        resolve('interrupted');
      });
    }
  });
  try {
    await buildBundlesOfCheckout();
  } catch (error) {
    // A terminal's Ctrl-C ends the build as well, and that is no failure of it.
    if (isInterrupted) return interruptedCode(options);
    process.stderr.write(`loadline start: the build failed: ${(error as Error).message}\n`);
    return 1;
  }
  if (isInterrupted) return interruptedCode(options);
  const complain = (reason: string) => {
    process.stderr.write(`loadline start: ${reason}\nThe logs are in ${options.state}.\n`);
    return 1;
  };
  const starting = Plant.start(options, (step) => say(`… ${step}`));
  let plant: Plant;
  try {
    const started = await Promise.race([starting, interrupted]);
    // What was begun ends with this process, as in a power cut; the next start takes it up where it was.
    if (started === 'interrupted') process.exit(interruptedCode(options));
    plant = started;
  } catch (error) {
    return complain((error as Error).message);
  }
  introduce(plant, options, say);
  plant.onProgress((progress) => say(progressLine(progress)));

  const failure = (error: Error) => ({ reason: error.message });
  const ending = await Promise.race([
    interrupted,
    plant.broken().then((reason) => ({ reason })),
    ...(options.until === 'committed' ? [plant.committed().catch(failure)] : []),
  ]);
  if (typeof ending === 'object') {
    complain(ending.reason);
    await plant.stop(() => Promise.resolve());
    return 1;
  }
  say('… ending: the gateway sends what it holds, then the cloud closes');
  let report: RunReport;
  try {
    report = await plant.stop(() => plant.report());
  } catch (error) {
    return complain((error as Error).message);
  }
  if (output === 'json') process.stdout.write(`${JSON.stringify(report)}\n`);
  else {
    const { frames, stored, duplicate, rejected, discardedBytes } = report;
    say(
      `${frames} frames, ${stored} readings stored, ${duplicate} duplicate, ${rejected} rejected, ${discardedBytes} bytes discarded`,
    );
  }
  return ending === 'interrupted' ? interruptedCode(options) : 0;
}

/** Ctrl-C is how a run without an end ends; one that was to be committed whole has failed by it. */
function interruptedCode({ until }: StartOptions): number {
  return until === 'committed' ? 1 : 0;
}

function introduce(plant: Plant, { source, state }: StartOptions, say: (text: string) => void): void {
  const { email, password } = plant.cloud.login;
  const what = source.kind === 'simulated' ? 'SIMULATED transmitters' : `the recording ${source.name}`;
  say(`
  Page      ${plant.cloud.url}   (its certificate is of this fleet's own authority:
            ${state}/cloud/authority/authority.pem)
  Login     ${email}
  Password  ${password}
  Playing   ${what}; everything is kept in ${state}; Ctrl-C ends it
`);
}

/** The line a second: what was heard, and what of it is on disk. */
function progressLine(progress: LogLine): string {
  const { frames, readings, acknowledged, inFlight, latencyMs } = progress;
  const { p50, p99 } = latencyMs as { p50: number | null; p99: number | null };
  const latency = p50 === null ? 'latency –' : `latency p50 ${p50} ms, p99 ${p99} ms`;
  return `frames ${frames}  readings ${readings}  committed ${acknowledged}  in flight ${inFlight}  ${latency}`;
}
