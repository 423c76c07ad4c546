import { confirm, isCancel, password, select, text } from '@clack/prompts';
import { printable } from './columns.ts';
import { CalledWrongly } from './outcome.ts';

/** Whether there is somebody to ask. Questions go to standard error's terminal, so that answers of the cloud can be piped. */
export const canAsk = () => process.stdin.isTTY === true && process.stderr.isTTY === true;

/** What is asked may quote what others have chosen: a name in the cloud, what a board says of itself. */
const asked = (message: string) => ({ output: process.stderr, message: printable(message) });

function answered<T>(answer: T): Exclude<T, symbol> {
  if (isCancel(answer)) throw new CalledWrongly('cancelled');
  return answer as Exclude<T, symbol>;
}

const needed = (value: string | undefined) => (value ? undefined : 'it is needed');

export async function askText(message: string, initialValue?: string): Promise<string> {
  return answered(
    await text({
      ...asked(message),
      validate: needed,
      ...(initialValue !== undefined && { initialValue: printable(initialValue) }),
    }),
  );
}

/** What is typed is not shown. */
export async function askSecret(message: string): Promise<string> {
  return answered(await password({ ...asked(message), validate: needed }));
}

export async function askChoice(
  message: string,
  choices: readonly { readonly value: string; readonly label: string }[],
): Promise<string> {
  const options = choices.map(({ value, label }) => ({ value, label: printable(label) }));
  return answered(await select({ ...asked(message), options }));
}

/** @throws CalledWrongly where the answer is no */
export async function askSure(message: string): Promise<void> {
  if (answered(await confirm({ ...asked(message), initialValue: false })) !== true)
    throw new CalledWrongly('not done');
}
