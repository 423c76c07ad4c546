import { createConnection, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { type Answer, type Ask, type GatewayStatus, maxAnswerBytes, type ShownReading } from './protocol.ts';
import { ControlError, checkPath } from './socket-path.ts';

/** Milliseconds an answer may take. */
const answerMilliseconds = 10_000;

/** What the gateway at this socket says of itself. @throws ControlError where it cannot be asked, and why. */
export async function askStatus(path: string): Promise<GatewayStatus> {
  let bytes = 0;
  const socket = await connect(path);
  const late = setTimeout(
    () => socket.destroy(new ControlError(`the gateway at ${path} does not answer`)),
    answerMilliseconds,
  );
  socket.on('data', (piece: Buffer) => {
    bytes += piece.length;
    if (bytes > maxAnswerBytes) socket.destroy(new ControlError(`the answer at ${path} has no end`));
  });
  try {
    for await (const answer of answers(socket, 'status', path)) {
      if ('answer' in answer && answer.answer === 'status') return answer.status;
      break;
    }
    throw new ControlError(`what answers at ${path} is no gateway of this version`);
  } finally {
    clearTimeout(late);
    socket.destroy();
  }
}

/**
 * The gateway's readings as they are heard, until it stops, cuts a follower that is too slow, or `signal` aborts.
 *
 * @throws ControlError where it cannot be asked, and why.
 */
export async function* followReadings(path: string, signal: AbortSignal): AsyncGenerator<ShownReading> {
  const socket = await connect(path);
  const leave = () => socket.destroy();
  signal.addEventListener('abort', leave);
  try {
    if (signal.aborted) return;
    for await (const answer of answers(socket, 'follow', path)) {
      if ('reading' in answer) yield answer.reading;
      else if ('error' in answer) throw new ControlError(answer.error);
    }
  } finally {
    signal.removeEventListener('abort', leave);
    socket.destroy();
  }
}

async function* answers(socket: Socket, ask: Ask, path: string): AsyncGenerator<Answer> {
  let failure: Error | undefined;
  socket.on('error', (error) => {
    failure = error;
  });
  const lines = createInterface({ input: socket });
  // readline waits for an end that a destroyed socket never has.
  socket.once('close', () => lines.close());
  socket.write(`${JSON.stringify({ ask })}\n`);
  for await (const line of lines) {
    let answer: unknown;
    try {
      answer = JSON.parse(line);
    } catch {
      throw new ControlError(`what answers at ${path} is no gateway`);
    }
    if (typeof answer !== 'object' || answer === null) {
      throw new ControlError(`what answers at ${path} is no gateway`);
    }
    yield answer as Answer;
  }
  if (failure instanceof ControlError) throw failure;
}

function connect(path: string): Promise<Socket> {
  checkPath(path);
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    const refuse = ({ code, message }: NodeJS.ErrnoException) =>
      reject(new ControlError(why(code, message, path)));
    socket.once('error', refuse);
    socket.once('connect', () => {
      socket.off('error', refuse);
      // Told by what is missing of the answer.
      socket.on('error', () => {});
      resolve(socket);
    });
  });
}

function why(code: string | undefined, message: string, path: string): string {
  switch (code) {
    case 'ENOENT':
      return `no gateway runs here: there is no socket at ${path}`;
    case 'ECONNREFUSED':
      return `no gateway runs here: nobody answers at ${path}`;
    case 'EACCES':
    case 'EPERM':
      return `you may not ask the gateway at ${path}: be root, or the user it runs as`;
    default:
      return `the gateway at ${path} cannot be asked: ${message}`;
  }
}
