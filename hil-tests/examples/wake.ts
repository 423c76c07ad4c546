// Stands for a program of your own that commands modules: wakes one that sleeps, and says what came of it.
//
//   node wake.ts PORT ID
import { decodePacket, encodeFrame, encodePacket, Framer, powerPacket } from '@loadline/sdk/t24';
import { SerialPort } from 'serialport';

const [path = '', id = ''] = process.argv.slice(2);
const to = Number.parseInt(id, 16);
const baseAddress = 1;
/** A base station says of a module that it did not answer; the module may have been asleep, or just have sent. */
const ATTEMPTS = 3;
/** A sleeping module looks every three seconds whether it is to wake. A base station that says nothing for longer is none. */
const PATIENCE_MS = 4000;

const port = new SerialPort({ path, baudRate: 115_200 });
const framer = new Framer();
let attempts = 0;
let patience: NodeJS.Timeout;

port.on('open', ask);
port.on('data', (bytes: Buffer) => {
  for (const framed of framer.push(bytes)) {
    if (framed.kind !== 'frame') continue;
    const packet = decodePacket(framed.packet);
    // Broadcasts, and answers that are another module's.
    if (!('from' in packet) || packet.from !== to) continue;
    if (packet.kind === 'ack') end(`${id} is awake`, 0);
    else if (packet.kind === 'timeout') ask();
    else end(`${id} refuses: ${packet.kind}`, 1);
  }
});

function ask(): void {
  clearTimeout(patience);
  if (attempts === ATTEMPTS) {
    end(`${id} did not answer`, 1);
    return;
  }
  attempts += 1;
  patience = setTimeout(ask, PATIENCE_MS);
  port.write(encodeFrame(baseAddress, encodePacket(powerPacket('wake', to))));
}

function end(words: string, code: number): void {
  clearTimeout(patience);
  console.log(words);
  process.exitCode = code;
  port.close();
}
