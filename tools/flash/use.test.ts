// The command has two uses, and an option of the other one is said by mistake.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CalledWrongly } from '../cloud/outcome.ts';
import { flashCommand } from './command.ts';
import { useOf } from './use.ts';

const test = suite('which use was meant');

function meant(...words: string[]): string {
  const command = flashCommand();
  command.parseOptions(words);
  try {
    return useOf(command, command.opts().serial);
  } catch (error) {
    assert.instance(error, CalledWrongly);
    return (error as Error).message;
  }
}

test('nothing said, or how it is to be told: what is here', () => {
  assert.equal([meant(), meant('--json')], ['list', 'list']);
});

test('whatever is of a card means a card, and --serial means a line', () => {
  assert.equal(
    [meant('--image', 'x'), meant('--config', 'x', '--kit', 'y'), meant('--yes-write', 'sdb')],
    ['card', 'card', 'card'],
  );
  assert.equal([meant('--serial'), meant('--serial', '--port', 'x', '--wait', '5')], ['line', 'line']);
});

test('refused: what would do nothing', () => {
  assert.match(meant('--release', 'x'), '--release is for a gateway on a serial line');
  assert.match(
    meant('--image', 'x', '--port', 'y', '--baud', '9600'),
    '--port, --baud is for a gateway on a serial line',
  );
  assert.match(meant('--serial', '--image', 'x', '--yes-write', 'sdb'), '--image, --yes-write is for cards');
});

test.run();
