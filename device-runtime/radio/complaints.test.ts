import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Complaints, type RadioEvent } from './complaints.ts';

const test = suite("a port's complaints");

function complaining() {
  const said: RadioEvent[] = [];
  const clock = { now: 0 };
  return {
    said,
    clock,
    port: new Complaints(
      'radio',
      () => clock.now,
      (event) => said.push(event),
    ),
  };
}
const codes = (said: readonly RadioEvent[]): string[] => said.map(({ code }) => code);

test('are said once each, until the port is open again', () => {
  const { said, port } = complaining();
  for (let time = 0; time < 3; time++) port.absent('nothing is at /dev/x');
  assert.is(port.trouble, 'nothing is at /dev/x');
  for (let time = 0; time < 3; time++) port.unavailable('permission denied');
  assert.is(port.trouble, 'permission denied');
  port.opened('/dev/x');
  assert.is(port.trouble, undefined);
  port.unavailable('permission denied');
  assert.equal(codes(said), ['port-unavailable', 'port-unavailable', 'port-open', 'port-unavailable']);
});

test('of a lost device, that nothing is at its path is no news', () => {
  const { said, port } = complaining();
  port.lost('the device is gone');
  port.absent('nothing is at /dev/x');
  assert.equal(codes(said), ['port-lost']);
  assert.is(port.trouble, 'nothing is at /dev/x');
});

test('of a wrong device stay while it is tried again, and are gone with any other', () => {
  const { said, port } = complaining();
  port.wrongDevice('it is base station 2');
  port.found();
  assert.is(port.trouble, 'it is base station 2');
  port.wrongDevice('it is base station 2');
  port.wrongDevice('it is base station 3');
  assert.equal(codes(said), ['port-wrong-device', 'port-wrong-device']);
  port.absent('nothing is at /dev/x');
  port.found();
  assert.is(port.trouble, undefined);
});

test('of who holds the port come again when it is another, and are over with the last', () => {
  const { said, port } = complaining();
  const holder = (pid: number) => ({ pid, name: 'minicom', command: 'minicom' });
  port.held([holder(1)], '/dev/x');
  port.held([holder(1)], '/dev/x');
  port.held([holder(2)], '/dev/x');
  port.held([], '/dev/x');
  assert.is(port.trouble, undefined);
  port.held([holder(2)], '/dev/x');
  assert.equal(codes(said), ['port-held', 'port-held', 'port-released', 'port-held']);
  port.lost('gone');
  assert.is(port.trouble, 'gone');
  port.held([], '/dev/x');
  assert.is(said.length, 5, 'what is gone is held by nobody, and need not be said');
});

test('of a loose contact do not fill the journal: what is withheld is counted and said with the next', () => {
  const { said, clock, port } = complaining();
  for (let day = 0; day < 10_000; day++) {
    port.opened('x');
    port.lost('y'.repeat(400));
  }
  assert.is(said.length, 60);
  clock.now += 60_000;
  port.opened('x');
  port.lost('y');
  assert.equal(
    said.slice(60).map(({ detail }) => detail),
    ['x (and 19940 events of this port before it)'],
  );
  assert.ok(said.every(({ detail }) => detail.length <= 300));
});

test.run();
