/**
 * Runs a program of this package: reads its options, and carries it out. @returns the code to exit with: 2 where it was
 * called wrongly, which is said with how it is called; 0 for who asked for help.
 */
export async function runCommand<Options extends { readonly help: boolean }>(
  usage: string,
  readOptions: () => Options,
  work: (options: Options) => Promise<number>,
): Promise<number> {
  let options: Options;
  try {
    options = readOptions();
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${usage}`);
    return 2;
  }
  if (options.help) {
    process.stdout.write(usage);
    return 0;
  }
  return await work(options);
}

/** What goes on, on standard error: standard output is for what comes of it. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
