import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CalledWrongly } from './outcome.ts';
import { askChoice, askSecret, askSure, askText } from './prompts.ts';

const test = suite('questions at a terminal');

/** Sets the title of the window, and clears the screen. */
const hostile = 'mast\x1b]0;owned\x07-7\u009b2J';

/** What a terminal is given while a question is asked that somebody cancels. */
async function drawn(ask: () => Promise<unknown>): Promise<string> {
  const write = process.stderr.write;
  let text = '';
  process.stderr.write = ((more: string) => {
    text += more;
    return true;
  }) as typeof write;
  try {
    setImmediate(() => process.stdin.emit('keypress', '\x03', { name: 'c', ctrl: true }));
    await ask().then(
      () => assert.unreachable('it was cancelled'),
      (error: unknown) => assert.instance(error, CalledWrongly),
    );
  } finally {
    process.stderr.write = write;
  }
  return text;
}

for (const [what, ask] of [
  ['a question', () => askSure(hostile)],
  ['a question for text, and what is proposed', () => askText(hostile, hostile)],
  ['a question for a secret', () => askSecret(hostile)],
  ['choices', () => askChoice('Which?', [{ value: 'one', label: hostile }])],
] as const) {
  test(`${what}: what others have chosen is shown, and is no command for the terminal`, async () => {
    const text = await drawn(ask);
    assert.match(text, 'owned');
    assert.not.match(text, ']0;owned\x07');
    assert.not.match(text, '\x1b]0');
    assert.not.match(text, '\u009b');
  });
}

test.run();
