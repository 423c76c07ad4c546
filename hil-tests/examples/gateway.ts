// Stands for your own program: hears a T24 base station on a serial port, prints a line for each reading, and outlives
// its adapter. Where it is given an address, it delivers the readings there.
//
//   node gateway.ts PORT [HOST:PORT]
import { realpathSync } from 'node:fs';
import { decodePacket, type Framed, Framer, tagName } from '@loadline/sdk/t24';
import { SerialPort } from 'serialport';
import { Uplink } from './uplink.ts';

const [path = '', address] = process.argv.slice(2);
const uplink = address === undefined ? undefined : new Uplink(address);

open();

function open(): void {
  const device = deviceBehind(path);
  const port = new SerialPort({ path, baudRate: 115_200, autoOpen: false });
  const framer = new Framer();
  port.on('data', (bytes: Buffer) => {
    for (const framed of framer.push(bytes)) hear(framed);
  });
  // A hang-up right behind data, by chance one in dozens, leaves serialport "open" for ever: the link tells that it is gone.
  const watch = setInterval(() => {
    if (port.isOpen && deviceBehind(path) !== device) port.close();
  }, 250);
  port.open((error) => {
    if (error === null) {
      console.log(`radio found: ${device}`);
      return;
    }
    clearInterval(watch);
    setTimeout(open, 100);
  });
  port.on('close', () => {
    console.log('radio lost');
    clearInterval(watch);
    setTimeout(open, 100);
  });
}

function deviceBehind(link: string): string | undefined {
  try {
    return realpathSync(link);
  } catch {
    return undefined;
  }
}

function hear(framed: Framed): void {
  if (framed.kind === 'discarded') {
    console.log(`noise: ${framed.bytes.length} bytes`);
    return;
  }
  const packet = decodePacket(framed.packet);
  if (packet.kind !== 'dataProvider' || packet.value.type !== 'float32') return;
  const reading = `${tagName(packet.tag)} ${packet.value.value}`;
  console.log(reading);
  uplink?.deliver(reading);
}
