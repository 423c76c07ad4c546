import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CalledWrongly } from '../cloud/outcome.ts';
import type { Found } from './discover.ts';
import { choose } from './find.ts';

const test = suite('which gateway is meant');

const foundOn = (path: string, serialNumber: string) =>
  ({ kind: 'gateway', path, description: { serialNumber } }) as Found;
const two = [foundOn('/dev/ttyACM0', 'A1'), foundOn('/dev/ttyACM1', 'B2')];

test.before(() => {
  // As at a terminal: what may ask would wait here.
  Object.defineProperty(process.stdin, 'isTTY', { value: true });
  Object.defineProperty(process.stderr, 'isTTY', { value: true });
});

test('where nobody is to be asked, several are an error that names their ports, also at a terminal', async () => {
  const error = await choose(two, 'never-asks', undefined).catch((thrown: unknown) => thrown);
  assert.instance(error, CalledWrongly);
  const { message } = error as Error;
  assert.is(message, 'several gateways answer: --port says which, A1 on /dev/ttyACM0, B2 on /dev/ttyACM1');
});

test('the one that is named by its serial number is taken, and so is the only one', async () => {
  assert.is((await choose(two, 'never-asks', 'B2')).path, '/dev/ttyACM1');
  assert.is((await choose(two.slice(0, 1), 'never-asks', undefined)).path, '/dev/ttyACM0');
});

test.run();
