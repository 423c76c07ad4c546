import type { Command } from 'commander';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { cloudCommands } from './commands.ts';

const test = suite('the commands that ask a cloud');

function all(commands: readonly Command[], above = ''): [string, Command][] {
  return commands.flatMap((command) => {
    const name = `${above} ${command.name()}`.trim();
    return [[name, command] as [string, Command], ...all(command.commands, name)];
  });
}

const commands = all(cloudCommands());

test('no secret is an argument: where there is one to give, a file or a question takes it', () => {
  for (const [name, command] of commands) {
    const says = [
      ...command.options.map(({ flags }) => flags),
      ...command.registeredArguments.map((one) => one.name()),
    ];
    for (const one of says) {
      if (/password|secret|code|value/i.test(one)) {
        assert.match(one, /^--[a-z-]+-file <file>$/, `${name} ${one}`);
      }
    }
  }
});

test('every one that shows something has it for programs too', () => {
  const quiet = new Set(['login', 'logout', 'audit export', 'series export']);
  for (const [name, { commands: below, options }] of commands) {
    if (below.length > 0 || quiet.has(name)) continue;
    assert.ok(
      options.some(({ long }) => long === '--json'),
      name,
    );
  }
});

test('every one says what it does', () => {
  for (const [name, command] of commands) assert.ok(command.description().length > 5, name);
});

test.run();
