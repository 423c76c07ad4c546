import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { delimiter, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as kit from './index.ts';

const test = suite('README of the package');
const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

test('its ten lines are those of the project to copy', () => {
  const [, code = ''] = /```ts\n(.*?)```/s.exec(readme) ?? [];
  const example = readFileSync(new URL('../examples/test/unplugged.ts', import.meta.url), 'utf8');
  assert.is(code, example.replace(/^\/\/.*\n/, ''));
  const [, body = ''] = /=> \{\n(.*)\n\}\);/s.exec(code) ?? [];
  assert.is(body.split('\n').length, 10);
});

test('they run as they are printed, and end by themselves', async () => {
  const environment = {
    ...process.env,
    // The checkout's own sources, and its Node for the program that is tested.
    NODE_OPTIONS: process.execArgv.join(' '),
    PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
  };
  const example = spawn(process.execPath, ['test/unplugged.ts'], {
    cwd: fileURLToPath(new URL('../examples', import.meta.url)),
    stdio: ['ignore', 'pipe', 'inherit'],
    env: environment,
  });
  let said = '';
  example.stdout.on('data', (text) => {
    said += text;
  });
  const [exitCode] = await once(example, 'close');
  assert.is(exitCode, 0, said);
});

test('it says what each part of the kit is for', () => {
  const missing = Object.keys(kit).filter((name) => !readme.includes(`\`${name}\``));
  assert.equal(missing, []);
});

test('everything published says of itself what it is', () => {
  const silent = ['rig', 'rig/transmitters', 'scenario', 'system', 'hil'].flatMap((room) => {
    const index = readFileSync(new URL(`../${room}/index.ts`, import.meta.url), 'utf8');
    return [...index.matchAll(/^export (?:type )?\{([^}]*)\} from '(.*?)';/gms)].flatMap(
      ([, names = '', file = '']) => {
        const source = readFileSync(new URL(`../${room}/${file}`, import.meta.url), 'utf8');
        return names
          .split(',')
          .map((name) => name.replace(/^\s*type /, '').trim())
          .filter((name) => name !== '' && !file.endsWith('index.ts'))
          .filter((name) => !isTold(source, name))
          .map((name) => `${room}/${file}: ${name}`);
      },
    );
  });
  assert.equal(silent, []);
});

/** Whether a declaration stands right behind a docstring. */
function isTold(source: string, name: string): boolean {
  const words = '(?:async |abstract )?(?:class |function |const |interface |type \\{? ?)';
  return new RegExp(`\\*/\\nexport ${words}${name}\\b`).test(source);
}

test.run();
