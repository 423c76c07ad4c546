// The shipped gateway on a tty that somebody may provision it by: what it does there, whoever speaks.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { constants, openSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ask, BoardOnTty, challenge, makeVouching, refusal, type Vouching } from './board-on-tty.ts';

const test = suite('a tty that a gateway is provisioned by');

let vouching: Vouching;
let board: BoardOnTty;
test.before(async () => {
  vouching = await makeVouching();
});
test.before.each(async () => {
  board = await BoardOnTty.make(vouching);
});
test.after.each(() => board.remove());

test('it waits for a port that is not there, and hears through garbage', async () => {
  await board.port.unplug();
  const service = board.start();
  const gone = await service.line('provisioning-port');
  assert.match(String(gone.reason), 'cannot be opened');
  await board.port.replug();
  await service.line('provisioning-port-open');
  await board.port.write(Buffer.from('login: root\r\n\0\0\0\xff\xfe'));
  await board.port.write(randomBytes(3000));
  const conversation = await board.speak();
  const said = await ask(conversation, 'describe', {});
  assert.equal([said.model, said.serialNumber, said.state], ['Simulated board', 'BOARD-1', 'unprovisioned']);
  await board.port.write(randomBytes(3000));
  assert.is((await ask(conversation, 'describe', {})).nonce, said.nonce);
  assert.is(await refusal(conversation, 'reset', {}), 'not-owned');
  assert.is(
    await refusal(conversation, 'key', { gatewayId: 'Not An Id', challenge: 1 }),
    'question-malformed',
  );
  assert.equal(service.errors, '');
});

test('a session that is cut goes on over the port when it is back; another one begins with nothing', async () => {
  board.start();
  const conversation = await board.speak();
  const { nonce } = await ask(conversation, 'describe', {});
  const voucher = board.voucher(nonce, 1);
  await ask(conversation, 'own', { voucher });
  await board.port.unplug();
  await board.port.replug();
  conversation.link.attach(board.farEnd());
  await ask(conversation, 'key', { gatewayId: 'mast-1', challenge });
  await conversation.close();
  const another = await board.speak();
  assert.is(await refusal(another, 'key', { gatewayId: 'mast-1', challenge }), 'not-owned');
  assert.is(await refusal(another, 'own', { voucher }), 'voucher-refused');
});

test('a site of as many sensors as one may have is written, and read back', async () => {
  board.start();
  const conversation = await board.speak();
  const { nonce } = await ask(conversation, 'describe', {});
  await ask(conversation, 'own', { voucher: board.voucher(nonce, 1) });
  await ask(conversation, 'key', { gatewayId: 'mast-1', challenge });
  // As many as fit into one message to the cloud, with most of what can be said of each.
  const sensors = Array.from({ length: 820 }, (_, tag) => ({
    tag: tag.toString(16).padStart(4, '0'),
    name: `${tag}`,
    unit: 'm',
    interval_seconds: 1,
    gain: 0.5,
    offset: 1,
  }));
  const configuration = {
    uplink: { host: 'localhost' },
    ports: [{ name: 'radio', path: '/dev/nothing' }],
    sensors,
  };
  await ask(conversation, 'write', {
    site: JSON.stringify({
      ...{ version: 1, gatewayId: 'mast-1', organisation: 'acme', name: 'Mast' },
      ...{ authority: vouching.fleet.certificatePem, chain: null },
      enrolment: { url: 'https://localhost:1', secret: 'one-time-secret-of-it' },
      ...{ network: { addresses: { by: 'dhcp' } }, proxyPassword: null, configuration },
    }),
  });
  const read = await ask(conversation, 'read', {});
  assert.equal(JSON.parse(JSON.stringify(read.configuration.sensors)), sensors);
});

test('who else has the tty open is named', async () => {
  // O_NOCTTY: a hang-up of this port must not end this test.
  const tty = openSync(board.port.path, constants.O_RDWR | constants.O_NOCTTY);
  const cat = spawn('cat', [], { stdio: [tty, 'ignore', 'ignore'] });
  try {
    const service = board.start();
    const held = await service.line('provisioning-port');
    assert.match(String(held.reason), new RegExp(`is held: cat \\(pid ${cat.pid}`));
  } finally {
    cat.kill();
  }
});

test('flags that cannot be used are said, with what to do', async () => {
  const without = (flag: string) => {
    const all = board.flags();
    all.splice(all.indexOf(flag), 2);
    return all;
  };
  await writeFile(join(board.folder, 'empty'), '');
  const cases: [args: readonly string[], says: RegExp][] = [
    [without('--maker'), /--maker FILE/],
    [without('--provision-on'), /no site is in force .*--provision-on/],
    [
      board.flags('--serial-number', join(board.folder, 'empty')),
      /has no serial number .*--serial-number FILE/,
    ],
    [board.flags('--maker', join(board.folder, 'empty')), /has no certificate/],
    [board.flags('--config', 'x.toml'), /not both/],
    [
      ['network', '--site', join(board.folder, 'nothing'), '--root', board.folder, '--config', 'x'],
      /not both/,
    ],
  ];
  for (const [args, says] of cases) {
    const service = board.start(args);
    assert.is((await service.ended).code, 2, String(args));
    assert.match(service.errors, says);
  }
});

test.run();
