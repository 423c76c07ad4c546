// @long
// @time-limit 240 s
// When the shipped gateway can be provisioned, and when no more; and how it is made nobody's again.
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until, VirtualBaseStation, VirtualPort, VirtualRadio, windTransmitter } from '../rig/index.ts';
import { ask, BoardOnTty, makeVouching, modesOf, patience, refusal, type Vouching } from './board-on-tty.ts';
import { SystemdStandIn } from './systemd-stand-in.ts';

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

/** Whether anything on the board's disk has a name of that run, as a journal has it. */
function isInJournal(epoch: string): boolean {
  const entries = readdirSync(board.site, { recursive: true, withFileTypes: true });
  const bytes = Buffer.from(epoch, 'hex');
  return entries
    .filter((entry) => entry.isFile())
    .some((entry) => {
      const content = readFileSync(join(entry.parentPath, entry.name));
      return content.includes(bytes) || content.includes(epoch);
    });
}

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

test('cut off behind the commit it can be brought to its end, without anybody going up the mast', async () => {
  const service = board.start();
  const conversation = await board.speak();
  await board.provision(conversation, 1);
  await service.stop('SIGKILL');
  await conversation.close();

  const restarted = board.start();
  const again = await board.speak();
  assert.equal(modesOf(restarted), ['open: its provisioning was cut off before the end']);
  assert.is((await ask(again, 'describe', {})).inForce?.ownershipCounter, 1);
  await ask(again, 'close', {});
  await until(() => modesOf(restarted).length === 2, { limitMs: patience });
  await restarted.stop();

  const once = board.start();
  await once.line('gateway-started');
  await once.line('uplink-lost');
  assert.equal(modesOf(once), []);
  assert.not(board.isHeldBy(once.pid));
});

test('to systemd it is one service that is there, whatever it is told to become', async () => {
  const systemd = await SystemdStandIn.open(board.folder, 2000);
  try {
    const service = board.start(board.flags(), systemd.under);
    await until(() => systemd.heard(/READY=1.*waits to be provisioned/) === 1, { limitMs: patience });
    await systemd.hears(/WATCHDOG=1.*waits/);
    const conversation = await board.speak();
    await board.provision(conversation, 1);
    await systemd.hears(/WATCHDOG=1.*is mast-1/, 2);
    await board.provision(conversation, 2);
    await ask(conversation, 'close', {});
    await until(() => modesOf(service).length === 2, { limitMs: patience });
    await systemd.hears(/WATCHDOG=1.*is mast-1/, 2);
    assert.equal([systemd.heard(/READY=1/), systemd.heard(/STOPPING=1/)], [1, 0]);
    await service.stop();
    assert.is(systemd.heard(/STOPPING=1/), 1);
  } finally {
    await systemd.close();
  }
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
    await board.provision(conversation, 1, { radio: radioPort.path });
    await ask(conversation, 'listen', { on: true });
    heard.length = 0;
    await until(() => (heard.at(-1)?.[0]?.frames ?? 0) > 2, { limitMs: patience });
    await ask(conversation, 'listen', { on: false });
  } finally {
    await radio.stop();
    await radioPort.close();
  }
});

test('the same owner goes on with what is held; another one gets nothing of it', async () => {
  const radioPort = await VirtualPort.open({ folder: join(board.folder, 'radio') });
  const transmitters = [windTransmitter({ tag: 0x25df, intervalMs: 50 })];
  const radio = new VirtualRadio(new VirtualBaseStation(radioPort), transmitters);
  radio.start();
  try {
    const service = board.start();
    const epochs = () =>
      service.log.filter(({ event }) => event === 'gateway-start').map(({ epoch }) => String(epoch));
    const conversation = await board.speak();
    const as = { radio: radioPort.path };
    await board.provision(conversation, 1, as);
    const undelivered = async () => (await ask(conversation, 'describe', {})).undelivered;
    await until(async () => (await undelivered()) > 20, { limitMs: patience });

    await board.provision(conversation, 2, as);
    const [first, second] = epochs() as [string, string];
    assert.ok((await undelivered()) > 20, 'what was held goes on');
    assert.ok(isInJournal(first), 'under its own epoch');
    await until(() => isInJournal(second), { limitMs: patience });

    const { nonce } = await ask(conversation, 'describe', {});
    const voucher = board.voucher(nonce, 3, 'other');
    assert.is(await refusal(conversation, 'own', { voucher }), 'undelivered-readings');
    await board.provision(conversation, 3, {
      organisation: 'other',
      gatewayId: 'mast-9',
      discardUndelivered: true,
    });
    const third = epochs()[2] as string;
    await until(() => isInJournal(third), { limitMs: patience });
    assert.is(await undelivered(), 0);
    for (const epoch of [first, second]) assert.not(isInJournal(epoch), 'nothing of it is on the disk');
    await ask(conversation, 'reset', {});
    assert.not(isInJournal(third));
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
