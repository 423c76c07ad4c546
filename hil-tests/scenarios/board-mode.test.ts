// @long
// When the shipped gateway can be provisioned, and when no more; and how it is made nobody's again.
import { readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until, VirtualBaseStation, VirtualPort, VirtualRadio, windTransmitter } from '../rig/index.ts';
import { ask, BoardOnTty, makeVouching, modesOf, patience, type Vouching } from './board-on-tty.ts';

const test = suite('the provisioning mode');

let vouching: Vouching;
let board: BoardOnTty;
test.before(async () => {
  vouching = await makeVouching();
});
test.before.each(async () => {
  board = await BoardOnTty.make(vouching);
});
test.after.each(() => board.remove());

test('the mode ends with the work, and the physical act opens it once, over a restart too', async () => {
  const act = join(board.folder, 'act');
  const service = board.start(board.flags('--provision-when', act));
  const conversation = await board.speak();
  await board.provision(conversation, 1);
  await ask(conversation, 'close', {});
  await until(() => modesOf(service).length === 2, { limitMs: patience });
  assert.equal(modesOf(service), ['open: the gateway is not provisioned', 'closed: done']);
  assert.not(board.isHeldBy(service.pid), 'the tty is released');
  await conversation.close();

  await writeFile(act, '1\n');
  await until(() => board.isHeldBy(service.pid), { limitMs: patience });
  assert.is(modesOf(service).at(-1), 'open: the physical act was done');
  const again = await board.speak();
  const said = await ask(again, 'describe', {});
  assert.equal([said.state, said.gateway?.id, said.ownershipCounter], ['provisioned', 'mast-1', 1]);
  // It goes on working meanwhile.
  assert.is(service.log.filter(({ event }) => event === 'gateway-start').length, 1);
  assert.is(service.log.filter(({ event }) => event === 'gateway-stop').length, 0);
  await ask(again, 'close', {});
  await until(() => modesOf(service).at(-1) === 'closed: done', { limitMs: patience });
  await again.close();
  await service.stop();

  const restarted = board.start(board.flags('--provision-when', act));
  await restarted.line('gateway-started');
  await writeFile(act, '0\n');
  const spent = join(board.folder, 'state/site/spent');
  await until(() => !readdirSync(join(spent, '..')).includes('spent'), { limitMs: patience });
  assert.equal(modesOf(restarted), []);
  await writeFile(act, '1\n');
  await until(() => modesOf(restarted).length === 1, { limitMs: patience });
});

test('it tells what is on the air, before it is provisioned and after', async () => {
  const radioPort = await VirtualPort.open({ folder: join(board.folder, 'radio') });
  const transmitters = [windTransmitter({ tag: 0x25df, intervalMs: 100 })];
  const radio = new VirtualRadio(new VirtualBaseStation(radioPort), transmitters);
  radio.start();
  try {
    board.start(board.flags('--radio-on', radioPort.path));
    const heard: { tag: string; port: string; frames: number; rssi: number | null }[][] = [];
    const conversation = await board.speak((name, body) => {
      if (name === 'heard') heard.push((body as { tags: (typeof heard)[number] }).tags);
    });
    const { nonce } = await ask(conversation, 'describe', {});
    await ask(conversation, 'own', { voucher: board.voucher(nonce, 1) });
    await ask(conversation, 'listen', { on: true });
    await until(() => (heard.at(-1)?.[0]?.frames ?? 0) > 2, { limitMs: patience });
    const [[tag]] = heard.slice(-1) as [[(typeof heard)[number][number]]];
    assert.equal([tag.tag, tag.port], ['25DF', radioPort.path]);
    assert.type(tag.rssi, 'number');
    // The gateway has that port itself from the commit on, and what it hears is told.
    await board.provision(conversation, 1, radioPort.path);
    await ask(conversation, 'listen', { on: true });
    heard.length = 0;
    await until(() => (heard.at(-1)?.[0]?.frames ?? 0) > 2, { limitMs: patience });
    await ask(conversation, 'listen', { on: false });
  } finally {
    await radio.stop();
    await radioPort.close();
  }
});

test('a factory reset from the machine itself needs a word, and a gateway that stands still', async () => {
  const service = board.start();
  const conversation = await board.speak();
  await board.provision(conversation, 4);
  await conversation.close();
  const reset = ['reset', '--site', board.site];
  const ended = async (args: readonly string[]) => {
    const one = board.start(args);
    return { ...(await one.ended), errors: one.errors };
  };
  assert.match((await ended(reset)).errors, 'say --yes');
  const inUse = await ended([...reset, '--yes']);
  assert.is(inUse.code, 2);
  assert.match(inUse.errors, `in use by process ${service.pid}`);
  await service.stop();
  assert.is((await ended([...reset, '--yes'])).code, 0);
  assert.equal(readdirSync(join(board.folder, 'state')).sort(), ['ownership', 'site']);
  assert.equal(readdirSync(board.site), ['committed']);
  board.start();
  const said = await ask(await board.speak(), 'describe', {});
  assert.equal([said.state, said.ownershipCounter, said.gateway?.id], ['unprovisioned', 4, 'mast-1']);
});

test.run();
