// @long
// A technician at a terminal: what he is asked, the sensors that he sees and picks, and what comes of it.
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Loot } from '../inhabited/loot.ts';
import { Mails } from '../inhabited/mails.ts';
import { arrive } from '../inhabited/person.ts';
import { until, VirtualPort } from '../rig/index.ts';
import { Workbench } from './workbench.ts';

const test = suite('provisioning at a terminal');

let bench: Workbench;
let terminal: VirtualPort;

test.before(async () => {
  bench = await Workbench.prepare();
  await logIn();
  terminal = await VirtualPort.open({ folder: bench.file('terminal') });
  await bench.startGateway();
});
test.after(async () => {
  await terminal.close();
  await bench.close();
});

/** Anna has the role technician, and logs in as she does. */
async function logIn(): Promise<void> {
  const { cloud } = bench;
  const loot = new Loot(({ kind, value }) => cloud.service.watchFor(value, `a secret: ${kind}`));
  const email = 'anna@example.org';
  await cloud.organisation.createUser({
    body: { email, name: 'Anna', role: 'technician', reach: 'organisation' },
  });
  const { caller, password } = await arrive({ cloud, loot, mails: new Mails(bench.file('cloud')) }, email);
  caller.close();
  await writeFile(bench.file('password'), `${password}\n`, { mode: 0o600 });
  const words = ['login', '--url', cloud.url, '--authority', bench.file('authority.pem'), '--email', email];
  const { code, errors } = await bench.start([...words, '--password-file', bench.file('password')]).ended;
  assert.is(code, 0, errors);
}

const enter = '\r';
const erase = (count: number) => '\x7f'.repeat(count);

test('he answers, picks a sensor from those on the air, says yes, and has a gateway', async () => {
  let shown = '';
  terminal.onData((bytes) => {
    shown += Buffer.from(bytes).toString();
  });
  // A pty has no size of its own.
  execFileSync('stty', ['-F', terminal.device ?? '', 'cols', '140', 'rows', '40']);
  const fd = openSync(terminal.device ?? '', constants.O_RDWR | constants.O_NOCTTY);
  const program = fileURLToPath(new URL('../../tools/main.ts', import.meta.url));
  const words = [...process.execArgv, program, 'provision', '--port', bench.cable.left.path];
  const child = spawn(process.execPath, words, {
    stdio: [fd, 'pipe', fd],
    env: { ...process.env, XDG_CONFIG_HOME: bench.file('home'), TERM: 'xterm' },
  });
  closeSync(fd);
  const out = text(child.stdout as NonNullable<typeof child.stdout>);
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  let at = 0;
  const asked = async (question: string, keys: string) => {
    const found = () => {
      const place = stripVTControlCharacters(shown).indexOf(question, at);
      if (place >= 0) at = place + question.length;
      return place >= 0 || child.exitCode !== null;
    };
    await until(found, { limitMs: 45_000, what: question }).catch(() => {});
    const said = stripVTControlCharacters(shown);
    assert.ok(
      child.exitCode === null && said.slice(0, at).endsWith(question),
      `${question}: ${said.slice(-1500)}`,
    );
    // A prompt that is drawn reads its keys a moment later.
    await new Promise((resolve) => setTimeout(resolve, 300));
    await terminal.write(Buffer.from(keys));
  };
  await asked('Its id', enter);
  await asked('What do people call it?', enter);
  await asked('Where is it?', `a bench${enter}`);
  await asked('25E0', '');
  await asked('0 picked', ' ');
  await asked('1 picked', enter);
  await asked('What does 25DF', `Wind${enter}`);
  await asked('In which unit?', `${erase(1)}m/s${enter}`);
  await asked('Which network?', enter);
  await asked('How does it come by its address?', enter);
  await asked("The cloud's host name", enter);
  await asked('Its port', `${erase(4)}${bench.cloud.mqttPort}${enter}`);
  await asked('through a proxy?', enter);
  await asked('sensor 25DF: Wind, m/s', '');
  await asked('Write this to the gateway?', 'y');
  const code = await ended;
  const said = stripVTControlCharacters(shown);
  assert.is(code, 0, said.slice(-2000));
  assert.match(await out, /^provisioned: gw-sim-0001 on SIM-0001/);
  assert.match(said, /> \[x\] 25DF +\S+ +very good, \d+ %/);
  assert.match(said, 'a reading was acknowledged');
  const { items } = await bench.cloud.organisation.listSeries({ query: { device: 'gw-sim-0001' } });
  assert.ok(
    items.some((series) => series.name === 'Wind'),
    JSON.stringify(items),
  );
});

test.run();
