// What is at the other end of ports, in a process of its own: to whoever opens them they are ttys that he did not make.
// SIMULATED: a pty keeps the speed it was set to, and does nothing by it; here that speed is looked at, and bytes are spoilt.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import {
  type ByteSink,
  type CableEnd,
  loadTransmitter,
  VirtualBaseStation,
  VirtualCable,
  VirtualGw1,
  VirtualPort,
  VirtualRadio,
  windTransmitter,
} from '../../rig/index.ts';
import type { FarSide } from './start.ts';

const what = JSON.parse(process.argv[2] ?? '') as FarSide;
/** Milliseconds between two looks at whether the adapter is to be there. */
const lookMs = 20;

const { paths, adapter } = await build();
console.log(JSON.stringify(paths));

if (what.authorized !== undefined) {
  const { authorized } = what;
  setInterval(() => {
    const isOn = readFileSync(authorized, 'latin1').trim() !== '0';
    if (isOn !== (adapter.state === 'plugged')) void (isOn ? adapter.replug() : adapter.unplug());
  }, lookMs).unref();
}
createInterface({ input: process.stdin }).on('line', (line) => {
  if (line === 'unplug') void adapter.unplug();
  if (line === 'replug') void adapter.replug();
});
process.stdin.on('end', () => process.exit());

async function build(): Promise<{ paths: readonly string[]; adapter: VirtualPort }> {
  const { folder } = what;
  if (what.kind === 'cable') {
    const cable: VirtualCable = await VirtualCable.open({
      folder,
      names: { left: 'ttyUSB0', right: 'ttyUSB1' },
      through: (bytes, from) => through(cable, bytes, from),
    });
    return { paths: [cable.left.path, cable.right.path], adapter: cable.right };
  }
  const port = await VirtualPort.open({ folder, name: 'ttyUSB0' });
  const { speed } = what;
  const sink: ByteSink = {
    write: (bytes) => port.write(speed === undefined || speedOf(port) === speed ? bytes : spoilt(bytes)),
  };
  if (what.kind === 'base-station') play(new VirtualBaseStation(sink, { address: 3 }));
  if (what.kind === 'gw1') play(new VirtualGw1(sink));
  if (what.kind === 'banner')
    setInterval(() => void sink.write(Buffer.from('\r\nboard login: ')), 50).unref();
  return { paths: [port.path], adapter: port };
}

function play(receiver: VirtualBaseStation | VirtualGw1): void {
  const transmitters = [
    windTransmitter({ tag: 0x25df, intervalMs: 40 }),
    loadTransmitter({ tag: 0x1234, intervalMs: 70 }),
  ];
  new VirtualRadio(receiver, transmitters).start();
}

function through(cable: VirtualCable, bytes: Uint8Array, from: CableEnd): Uint8Array {
  const none = new Uint8Array();
  if (what.kind !== 'cable') return none;
  switch (what.wires) {
    case 'crossed':
      return bytes;
    case 'straight':
      return none;
    case 'one-way':
      return from === 'left' ? bytes : none;
    case 'bridged':
      void cable[from].write(bytes);
      return none;
    case 'long':
      // At 38400 baud and below it carries what it is given.
      return [cable.left, cable.right].every((port) => speedOf(port) <= 38_400) ? bytes : spoilt(bytes);
    case 'inverted':
      return spoilt(bytes);
  }
}

/** The speed that whoever opened a port has set. */
function speedOf({ device }: VirtualPort): number {
  if (device === undefined) return 0;
  return Number(execFileSync('stty', ['-F', device, 'speed'], { encoding: 'latin1' }));
}

/** As a receiver at twice the speed makes of it: every bit twice, the second half of it lost. */
function spoilt(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte) => {
    let out = 0;
    for (let bit = 0; bit < 4; bit++) if (byte & (1 << bit)) out |= 0b11 << (2 * bit);
    return out ^ 0x80;
  });
}
