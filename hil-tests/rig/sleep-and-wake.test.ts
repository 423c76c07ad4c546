// A host that commands modules over a base station: what reaches them, what they do, and what it hears of it.
import {
  commands,
  crc16,
  decodePacket,
  encodeFrame,
  encodePacket,
  everyModule,
  Framer,
  type Packet,
  parameters,
} from '@loadline/sdk/t24';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { VirtualAir } from './air.ts';
import { VirtualBaseStation } from './base-station.ts';
import { SimulatedClock } from './clock.ts';
import { type ModulesOptions, VirtualModules } from './modules.ts';
import { VirtualRadio } from './radio.ts';
import { loadTransmitter, type TransmitterOptions, temperatureTransmitter } from './transmitters/index.ts';

const test = suite('modules that are commanded');

/** Two modules, their base station, and a host, which notes what it hears and when. */
function plant(options: { load?: Partial<TransmitterOptions>; air?: VirtualAir } & ModulesOptions = {}) {
  const { load: special, air, ...modulesOptions } = options;
  const clock = new SimulatedClock();
  const framer = new Framer();
  const heard: { at: number; packet: Packet }[] = [];
  const sink = {
    async write(bytes: Uint8Array) {
      for (const framed of framer.push(bytes)) {
        if (framed.kind !== 'frame') throw new Error('noise');
        heard.push({ at: clock.now(), packet: decodePacket(framed.packet) });
      }
    },
  };
  const station = new VirtualBaseStation(sink, { clock });
  const load = loadTransmitter({ tag: 0x25df, intervalMs: 100, ...special });
  const temperature = temperatureTransmitter({ tag: 0x4c21, intervalMs: 100 });
  const radio = new VirtualRadio(station, [load, temperature], { clock, ...(air && { air }) });
  let send: (bytes: Uint8Array) => void = () => {};
  const onData = (listener: (bytes: Uint8Array) => void) => {
    send = listener;
    return () => {
      send = () => {};
    };
  };
  const modules = new VirtualModules(station, { onData }, { radio, ...modulesOptions });
  radio.start();
  const answers = () => heard.filter(({ packet }) => packet.kind !== 'dataProvider');
  const broadcasts = (tag: number) =>
    heard.filter(({ packet }) => packet.kind === 'dataProvider' && packet.tag === tag).length;
  return {
    clock,
    load,
    temperature,
    station,
    modules,
    heard,
    broadcasts,
    send: (packet: Packet) => send(encodeFrame(1, encodePacket(packet))),
    sendBytes: (bytes: Uint8Array) => send(bytes),
    /** Sends a packet and gives what was answered within so many milliseconds: its words, and after how long. */
    async ask(packet: Packet, withinMs = 400) {
      const [before, began] = [answers().length, clock.now()];
      send(encodeFrame(1, encodePacket(packet)));
      await clock.advance(withinMs);
      const [answer] = answers().slice(before);
      if (answer === undefined) return undefined;
      const { packet: said } = answer;
      const from = 'from' in said ? said.from.toString(16) : '';
      return { says: `${said.kind} ${from}`, afterMs: answer.at - began, packet: said };
    },
  };
}

const command = (number: number, to = 0xf025df): Packet => ({
  kind: 'write',
  flags: 0,
  to,
  command: number,
  dataType: 0,
  value: { type: 'none' },
});
const read = (number: number, to = 0xf025df): Packet => ({ kind: 'read', flags: 0, to, command: number });

test('told to sleep it is silent, hears nothing but to wake, and wakes when it next looks', async () => {
  const { clock, load, broadcasts, ask } = plant();
  await clock.advance(1000);
  assert.ok(broadcasts(0x25df) >= 9);
  const slept = await ask(command(commands.sleep));
  assert.is(slept?.says, 'ack f025df');
  assert.ok((slept?.afterMs ?? 99) < 10);
  assert.is(load.mode, 'asleep');
  const before = broadcasts(0x25df);
  const others = broadcasts(0x4c21);
  await clock.advance(60_000);
  assert.equal([broadcasts(0x25df) - before, broadcasts(0x4c21) - others], [0, 600]);

  const unheard = await ask(read(parameters.name));
  assert.is(unheard?.says, 'timeout f025df');
  assert.ok((unheard?.afterMs ?? 0) >= 100 && (unheard?.afterMs ?? 999) < 110);
  const woken = await ask(command(commands.wake), 3100);
  assert.is(woken?.says, 'ack f025df');
  assert.ok((woken?.afterMs ?? 0) > 10 && (woken?.afterMs ?? 9999) < 3010, `${woken?.afterMs} ms`);
  await clock.advance(1000);
  assert.ok(broadcasts(0x25df) > before + 5);
});

test('paused it is awake and silent, wakes to nothing, and goes on when it is told to', async () => {
  const { clock, load, broadcasts, ask } = plant({ load: { sleepDelayMs: 2000 } });
  assert.is((await ask(command(commands.pause)))?.says, 'ack f025df');
  const before = broadcasts(0x25df);
  await clock.advance(10_000);
  assert.is(broadcasts(0x25df), before);
  await ask(command(commands.wake));
  assert.is(load.mode, 'paused');
  assert.is((await ask(command(commands.resume)))?.says, 'ack f025df');
  assert.ok(broadcasts(0x25df) > before);
});

test('it goes to sleep by itself, unless it is told to stay awake meanwhile', async () => {
  const { clock, load, ask } = plant({ load: { sleepDelayMs: 5000 } });
  for (let second = 0; second < 20; second += 4) {
    await clock.advance(3600);
    assert.is((await ask(command(commands.stayAwake)))?.says, 'ack f025df');
    assert.is(load.mode, 'running');
  }
  await clock.advance(5000);
  assert.is(load.mode, 'asleep');
});

test('in low power it can be told nothing, and broadcasts on', async () => {
  const { broadcasts, ask } = plant({ load: { betweenBroadcasts: 'asleep' } });
  assert.is((await ask(command(commands.pause)))?.says, 'timeout f025df');
  assert.is((await ask(read(parameters.version)))?.says, 'timeout f025df');
  assert.ok(broadcasts(0x25df) > 5);
});

test('all of them obey what is sent to all, and nobody answers: a pause of all is as bad as the manual says', async () => {
  const { clock, load, temperature, heard, send, sendBytes } = plant();
  await clock.advance(500);
  send(command(commands.sleep, everyModule));
  await clock.advance(10);
  assert.equal([load.mode, temperature.mode], ['asleep', 'asleep']);
  send(command(commands.wake, everyModule));
  await clock.advance(3000);
  assert.equal([load.mode, temperature.mode], ['running', 'running']);
  // The codec refuses to write such a frame; a host with bytes of its own need not ask it.
  const pause = Uint8Array.of(6, 6, 1, 6, 0xff, 0xff, 0xff, commands.pause, 0);
  const crc = crc16(pause);
  sendBytes(Uint8Array.of(...pause, crc & 0xff, crc >>> 8));
  await clock.advance(10);
  assert.equal([load.mode, temperature.mode], ['paused', 'paused']);
  const before = heard.length;
  await clock.advance(60_000);
  assert.is(heard.length, before);
});

test('what can be read is read; what is no such thing, a key among them, is refused', async () => {
  const { ask } = plant({ load: { battery: { milliampHours: 1000 }, status: 0x10 } });
  const data = async (number: number) => {
    const answer = (await ask(read(number)))?.packet;
    return answer?.kind === 'ack' ? answer.data?.value : answer?.kind;
  };
  assert.equal(await data(parameters.id), { type: 'binary', value: Uint8Array.of(0xf0, 0x25, 0xdf) });
  assert.equal(await data(parameters.name), { type: 'string', value: 'Simulated' });
  assert.equal(await data(parameters.model), { type: 'string', value: 'T24-SA' });
  assert.equal(await data(parameters.version), { type: 'float32', value: 2 });
  assert.equal(await data(parameters.status), { type: 'uint8', value: 0x10 });
  const volts = await data(parameters.batteryLevel);
  assert.ok(typeof volts === 'object' && volts.type === 'float32' && volts.value > 3 && volts.value <= 3.1);
  const value = await data(parameters.value);
  assert.ok(typeof value === 'object' && value.type === 'float32');
  assert.is(await data(parameters.encryptionKey), 'nak');
  assert.is(await data(200), 'nak');
});

test('what is written is forgotten by a reset unless it was saved; saving takes half a second', async () => {
  const { clock, heard, ask } = plant();
  const write = (number: number, dataType: number, value: Extract<Packet, { kind: 'write' }>['value']) =>
    ask({ kind: 'write', flags: 0, to: 0xf025df, command: number, dataType, value }, 50);
  const power = async () => {
    const answer = (await ask(read(parameters.power), 50))?.packet;
    return answer?.kind === 'ack' && answer.data?.value.type === 'uint8'
      ? answer.data.value.value
      : answer?.kind;
  };
  const strongest = () =>
    Math.max(
      ...heard
        .slice(-20)
        .flatMap(({ packet }) =>
          'tag' in packet && packet.tag === 0x25df && 'rssi' in packet ? [(packet.rssi << 24) >> 24] : [],
        ),
    );
  await clock.advance(2000);
  const before = strongest();
  assert.is((await write(parameters.power, 1, { type: 'uint8', value: 20 }))?.says, 'ack f025df');
  await clock.advance(2000);
  assert.ok(before - strongest() > 10, `${before} dB, then ${strongest()}`);
  await ask(command(commands.reset), 50);
  assert.is(await power(), 100);
  await write(parameters.power, 1, { type: 'uint8', value: 20 });
  assert.is((await ask(command(commands.save), 50))?.says, 'ack f025df');
  assert.is((await ask(read(parameters.power), 300))?.says, 'timeout f025df');
  await clock.advance(500);
  await ask(command(commands.reset), 50);
  assert.is(await power(), 20);

  assert.is((await write(parameters.power, 1, { type: 'uint8', value: 101 }))?.says, 'dataInvalid f025df');
  assert.is((await write(parameters.power, 4, { type: 'float32', value: 50 }))?.says, 'dataInvalid f025df');
  assert.is(
    (await write(parameters.name, 5, { type: 'string', value: 'far too long' }))?.says,
    'dataInvalid f025df',
  );
  assert.is((await write(parameters.name, 5, { type: 'string', value: 'Hook 4' }))?.says, 'ack f025df');
  assert.is((await write(parameters.id, 1, { type: 'uint8', value: 1 }))?.says, 'nak f025df');
});

test('nobody is there, or is too far away: the base station says that nothing came', async () => {
  const air = new VirtualAir();
  const { load, station, ask } = plant({ air, timeoutMs: 250 });
  assert.is((await ask(command(commands.stayAwake)))?.says, 'ack f025df');
  air.place(station, { x: 0, y: 0 });
  air.place(load, { x: 5000, y: 0 });
  const away = await ask(command(commands.stayAwake));
  assert.is(away?.says, 'timeout f025df');
  assert.ok((away?.afterMs ?? 0) >= 250);
  assert.is((await ask(command(commands.wake, 0x123456)))?.says, 'timeout 123456');
});

test('a module with a low battery says so in its answers', async () => {
  const { load, ask } = plant();
  load.setBattery('low');
  const answer = await ask(command(commands.stayAwake));
  assert.is(answer?.packet.kind === 'ack' && answer.packet.flags, 0x40);
});

test('an answer that is to come late does not come any more once the modules are switched off', async () => {
  const { clock, modules, ask, heard } = plant({ answer: () => ({ kind: 'ack', afterMs: 1000 }) });
  assert.is(await ask(command(commands.sleep), 500), undefined);
  modules.stop();
  await clock.advance(5000);
  assert.not(heard.some(({ packet }) => packet.kind === 'ack'));
});

test('told what to answer, it comes late, of somebody else, or with data; all else is as it is', async () => {
  const answer: NonNullable<ModulesOptions['answer']> = (_, packet) => {
    if (packet.kind !== 'write') return undefined;
    if (packet.command === commands.sleep) return { kind: 'ack', afterMs: 1500 };
    if (packet.command === commands.wake) return { kind: 'ack', from: 0xbadbad };
    if (packet.command === commands.save)
      return { kind: 'ack', data: { dataType: 1, value: { type: 'uint8', value: 7 } } };
    return packet.command === commands.reset ? 'silence' : undefined;
  };
  const { load, modules, ask } = plant({ answer });
  const late = await ask(command(commands.sleep), 2000);
  assert.ok((late?.afterMs ?? 0) >= 1500);
  assert.is(load.mode, 'running');
  assert.is((await ask(command(commands.wake)))?.says, 'ack badbad');
  const { packet } = (await ask(command(commands.save))) ?? {};
  assert.equal(packet?.kind === 'ack' && packet.data?.value, { type: 'uint8', value: 7 });
  assert.is(await ask(command(commands.reset)), undefined);
  assert.is((await ask(read(parameters.name)))?.says, 'ack f025df');
  assert.is(modules.received.length, 5);
  modules.stop();
  assert.is(await ask(read(parameters.name)), undefined);
});

test.run();
