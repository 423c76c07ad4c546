// @long
// What systemd would see, over a real unix datagram socket.
import { accessSync, constants, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { NotifySocket, Supervisor } from './fixtures/supervisor.ts';
import { serviceManager } from './index.ts';

const test = suite('watchdog');

const missing = ['systemd-notify', 'perl'].filter(
  (program) =>
    !(process.env.PATH ?? '').split(delimiter).some((folder) => {
      try {
        accessSync(join(folder, program), constants.X_OK);
        return true;
      } catch {
        return false;
      }
    }),
);
const withSystemd = missing.length === 0 ? test : test.skip;
if (missing.length > 0) console.log(`skipped: feeding the watchdog: no ${missing.join(', no ')}`);

let folder: string;
let state: string;
let socket: NotifySocket;
/** Milliseconds. Long enough for a busy machine to start systemd-notify within. */
const watchdogSec = 3000;

test.before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'loadline-watchdog-'));
  state = mkdtempSync(join(folder, 'state-'));
  if (missing.length === 0) socket = await NotifySocket.open(folder);
});
test.before.each(() => {
  socket?.words.splice(0);
});
test.after(async () => {
  await socket?.close();
  rmSync(folder, { recursive: true });
});

withSystemd('a gateway that moves is fed for as long as it runs, and says when it stops', async () => {
  const supervisor = new Supervisor(socket, state, watchdogSec);
  assert.is(await supervisor.run('sound', 2 * watchdogSec), 'ended');
  const [first, ...rest] = socket.words;
  assert.match(first ?? '', /^READY=1 STATUS=\d+ acknowledged/);
  // The receiver is a process of its own: its last line may still be on its way.
  for (const limit = Date.now() + 5000; socket.words.at(-1) !== 'STOPPING=1'; ) {
    assert.ok(Date.now() < limit, `no STOPPING=1: ${socket.words.join('; ')}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.ok(rest.filter((word) => word.startsWith('WATCHDOG=1')).length >= 3, socket.words.join('; '));
  assert.equal(supervisor.log, []);
  assert.equal(readdirSync(state), []);
});

withSystemd(
  'a wedged pipeline is ended by the watchdog, and the next start says what stood still',
  async () => {
    const supervisor = new Supervisor(socket, state, watchdogSec);
    assert.is(await supervisor.run('blocked'), 'watchdog');
    assert.match(String(supervisor.log.at(-1)?.what), /uplink: the link stands, \d+ entries are held/);
    assert.equal(readdirSync(state).sort(), ['ended-by-watchdog', 'wedged.json']);

    assert.is(await supervisor.run('sound', 200), 'ended');
    const { event, detail } = supervisor.log.at(-1) ?? {};
    assert.is(event, 'gateway-wedged-before');
    assert.match(String(detail), /^the watchdog ended it after \d+ s: uplink: the link stands/);
    assert.equal(readdirSync(state), []);
  },
);

withSystemd('an event loop that stands still is ended too, and told by the mark alone', async () => {
  const supervisor = new Supervisor(socket, state, watchdogSec);
  assert.is(await supervisor.run('halted'), 'watchdog');
  assert.is(await supervisor.run('sound', 200), 'ended');
  assert.match(String(supervisor.log.at(-1)?.detail), 'its event loop stood still');
});

test('without a service manager there is nobody to tell', () => {
  const onFailure = assert.unreachable;
  assert.is(serviceManager({ environment: {}, pid: 1, onFailure }), undefined);
  assert.is(serviceManager({ environment: { NOTIFY_SOCKET: '' }, pid: 1, onFailure }), undefined);
});

test('the watchdog of another process is none of ours', () => {
  const watchdogOf = (WATCHDOG_USEC: string, WATCHDOG_PID?: string) =>
    serviceManager({
      environment: { NOTIFY_SOCKET: '/nowhere', WATCHDOG_USEC, WATCHDOG_PID },
      pid: 7,
      onFailure: assert.unreachable,
    })?.watchdog;
  assert.is(watchdogOf('60000000'), 60_000);
  assert.is(watchdogOf('60000000', '7'), 60_000);
  assert.is(watchdogOf('60000000', '8'), undefined);
  assert.is(watchdogOf('0'), undefined);
  assert.is(watchdogOf('soon'), undefined);
});

test('a word that cannot be given is said, and ends nothing', async () => {
  const reason = await new Promise<string>((onFailure) => {
    const environment = { NOTIFY_SOCKET: '/nowhere' };
    serviceManager({ environment, pid: 1, program: '/no/such/program', onFailure })?.ready('');
  });
  assert.match(reason, 'ENOENT');
});

test.run();
