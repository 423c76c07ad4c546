// Started by rival.ts: opens a tty as a rival of the host does, and keeps it until its standard input ends.
import { constants, openSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { lockTty, setSharing } from './pty.ts';
import type { RivalGrip } from './rival.ts';

const [path = '', grip] = process.argv.slice(2) as [string, RivalGrip];
// What a look through /proc finds says that it is simulated.
process.title = 'simulated-rival';
try {
  const tty = openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
  switch (grip) {
    case 'locks':
      lockTty(tty);
      break;
    case 'excludes':
      setSharing(tty, 'exclusive');
      process.once('exit', () => shareAgain(tty));
      break;
    case 'reads': {
      const stream = new ReadStream(tty);
      // The port was unplugged: the rival stays, with nothing to read.
      stream.on('error', () => undefined);
      stream.on('data', (bytes: Buffer) =>
        process.stdout.write(`${JSON.stringify({ took: bytes.length })}\n`),
      );
      break;
    }
  }
  process.stdout.write(`${JSON.stringify({ holds: path })}\n`);
} catch (error) {
  process.stdout.write(`${JSON.stringify({ failed: String(error) })}\n`);
  process.exitCode = 1;
  process.stdin.destroy();
}

function shareAgain(tty: number): void {
  try {
    setSharing(tty, 'shared');
  } catch {
    // The port was unplugged: there is nothing to share.
  }
}

process.stdin.on('end', () => process.exit()).resume();
