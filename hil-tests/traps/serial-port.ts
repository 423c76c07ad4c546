import type { Trap } from './trap.ts';

/** What serialport 13 and the kernel's ptys do. */
export const serialPortTraps: readonly Trap[] = [
  {
    name: 'serialport-busy-loop',
    bites: 'A hang-up right behind data leaves it reading nothing in a busy loop, "open" for ever.',
    guard: 'The open descriptor is looked at four times a second, and closed when its device is gone.',
    removals: [
      {
        file: 'device-runtime/radio/serial.ts',
        text: 'this.#endWatch = watchLife(fd, this.#candidate.path, (reason) => this.close(reason));',
        by: '',
      },
    ],
    heldBy: ['hil-tests/radio/unplugged.test.ts'],
  },
  {
    name: 'serialport-name-reused',
    bites: 'The path of a dead device exists again, and leads to another one.',
    guard: 'The path must lead to the very node that is open.',
    removals: [
      {
        file: 'device-runtime/radio/life.ts',
        text: 'if (named.dev !== open.dev || named.ino !== open.ino)',
        by: 'if (false)',
      },
    ],
    heldBy: ['hil-tests/radio/unplugged.test.ts'],
  },
  {
    name: 'serialport-unread',
    bites: 'Without a reader a hang-up is not noticed until a write fails.',
    guard: 'A port is read for as long as it is open.',
    removals: [
      {
        file: 'device-runtime/radio/serial.ts',
        text: "stream.on('data', (chunk: Uint8Array) => this.#events.onBytes(chunk));",
        by: "stream.on('data', (chunk: Uint8Array) => this.#events.onBytes(chunk)).pause();",
      },
    ],
    heldBy: ['hil-tests/radio/unplugged.test.ts'],
  },
  {
    name: 'serialport-sends-after-reopening',
    bites: 'What was written to a port that is closed is sent after it is opened again.',
    guard:
      'A command belongs to one opening: what waits when that ends is never sent, and every opening has its own stream.',
    removals: [
      {
        file: 'device-runtime/radio/transmission.ts',
        text: 'if (this.#ended !== undefined) {',
        by: 'if (false) {',
      },
      {
        file: 'device-runtime/radio/serial.ts',
        text: "if (this.#reason !== undefined || !this.#stream.isOpen) throw new Error('the port is not open');",
        by: '',
      },
      {
        file: 'device-runtime/radio/serial.ts',
        text: '    await Promise.race([sent, this.#ended.promise]);',
        by: '    await sent;',
      },
    ],
    heldBy: ['hil-tests/radio/serial-line.test.ts'],
  },
  {
    name: 'serialport-command-expires',
    bites: 'A command that waited for its port long enough does harm when it is sent at last.',
    guard: 'Each carries an expiry, after which nothing leaves.',
    removals: [
      {
        file: 'device-runtime/radio/transmission.ts',
        text: 'if (left <= 0)',
        by: 'if (false)',
      },
    ],
    heldBy: ['hil-tests/radio/transmit.test.ts'],
  },
  {
    name: 'serialport-drain',
    bites:
      'drain does not wait for what is still queued in the JavaScript stream: closing behind it loses that.',
    guard: "The write's own callback first, then drain.",
    removals: [
      {
        file: 'device-runtime/radio/serial.ts',
        text: `      stream.write(Buffer.from(bytes), (error) => {
        if (error) reject(error);
        else stream.drain((failure) => (failure ? reject(failure) : resolve()));
      });`,
        by: `      stream.write(Buffer.from(bytes));
      stream.drain((failure) => (failure ? reject(failure) : resolve()));`,
      },
    ],
    heldBy: ['hil-tests/radio/serial-line.test.ts'],
  },
  {
    name: 'serialport-open-flushes',
    bites: 'Opening throws away what waited: a frame that had begun before has lost its middle.',
    guard: 'What was begun is given up with its opening, and the next has a decoder of its own.',
    removals: [
      {
        file: 'device-runtime/radio/port.ts',
        text: 'const decoder = driver.open(port.options);',
        by: 'const decoder = ((driver as { kept?: ReturnType<typeof driver.open> }).kept ??= driver.open(port.options));',
      },
      {
        file: 'device-runtime/radio/session.ts',
        text: `    this.hasEnded = true;
    this.#stall();`,
        by: '    this.hasEnded = true;',
      },
    ],
    heldBy: ['hil-tests/radio/unplugged.test.ts'],
  },
  {
    name: 'serialport-lock',
    bites: 'The lock binds only programs that ask for it: a getty reads the bytes away.',
    guard: 'Who else has the device open is looked for in /proc, and said.',
    removals: [
      {
        file: 'device-runtime/radio/port.ts',
        text: 'this.#complaints.held(holders, this.device?.path ?? this.#options.port.path);',
        by: '',
      },
    ],
    heldBy: ['hil-tests/radio/port-held.test.ts'],
  },
  {
    name: 'serialport-parsers-unbounded',
    bites: 'Parsers by delimiter have no limit: a line without an end fills memory.',
    guard: 'A line is dropped at the length that was said, up to the next ending.',
    removals: [
      {
        file: 'sdk/driver/lines.ts',
        text: '} else if (this.#held === this.#line.length) {',
        by: '} else if (false) {',
      },
    ],
    heldBy: ['sdk/driver/so.test.ts'],
  },
  {
    name: 'serialport-parsers-lost',
    bites:
      'Parsers by length do not find back: after one wrong length everything behind it is taken for packets.',
    guard: 'What is no frame loses one byte, and the rest is looked at again.',
    removals: [
      {
        file: 'sdk/t24/framer.ts',
        text: `        droppedFor = verdict;
        position += 1;`,
        by: `        droppedFor = verdict;
        position += Math.max(1, window[position] as number);`,
      },
    ],
    heldBy: ['sdk/t24/framer-noise.test.ts'],
  },
  {
    name: 'serialport-renumbered',
    bites: 'ttyUSB0 comes back as ttyUSB1.',
    guard: 'A device that was recognised is found again by its link by id.',
    removals: [
      {
        file: 'device-runtime/radio/port.ts',
        text: "if (driver.transport.kind === 'serial') this.#finder.recognised(session.candidate);",
        by: '',
      },
    ],
    heldBy: ['hil-tests/radio/unplugged.test.ts'],
  },
  {
    name: 'serialport-twins',
    bites: 'Adapters that look alike change places, and readings go under the wrong name.',
    guard: 'What answers says whose device it is; twins pass on what is not theirs.',
    removals: [
      {
        file: 'device-runtime/radio/port.ts',
        text: 'const twin = twins().find((each) => each.#wants(session));',
        by: 'const twin = twins().find(() => false);',
      },
    ],
    heldBy: ['hil-tests/radio/twins.test.ts'],
  },
  {
    name: 'pty-no-baud-rate',
    bites: 'A pty enforces no baud rate: a simulation is faster than any line.',
    guard: 'The rig paces in software.',
    removals: [
      {
        file: 'hil-tests/rig/serial-line.ts',
        text: 'if (this.#rate !== undefined) await this.#occupy(chunk.length / this.#rate);',
        by: '',
      },
    ],
    heldBy: ['hil-tests/rig/serial-line.test.ts'],
  },
  {
    name: 'pty-host-closes',
    bites: 'The master gets EIO whenever the host closes its end.',
    guard: "The rig holds the host's end open too.",
    removals: [
      {
        file: 'hil-tests/rig/plug.ts',
        text: 'this.#pty = pty;',
        by: `closeSync(pty.slave);
    this.#pty = { ...pty, slave: pty.master };`,
      },
    ],
    heldBy: ['hil-tests/rig/virtual-port.test.ts'],
  },
  {
    name: 'pty-full',
    bites: 'A master that is full takes nothing (EAGAIN), and nobody is woken when it does again.',
    guard: 'It is tried again until the host has read.',
    removals: [
      {
        file: 'hil-tests/rig/plug.ts',
        text: "if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;",
        by: 'throw error;',
      },
    ],
    heldBy: ['hil-tests/rig/virtual-port.test.ts'],
  },
  {
    name: 'pty-inherited',
    bites: "A child process inherits the simulator's end, and closing ours is no hang-up any more.",
    guard: 'Its descriptors are close-on-exec from birth.',
    removals: [
      {
        file: 'hil-tests/rig/pty.ts',
        text: 'constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK | O_CLOEXEC',
        by: 'constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK',
      },
    ],
    heldBy: ['hil-tests/rig/virtual-port.test.ts'],
  },
  {
    name: 'pty-no-modem-lines',
    bites: 'A pty has no modem lines: to ask for them is an error (ENOTTY).',
    guard: 'A port that has none is one of which nothing is said.',
    removals: [
      {
        file: 'hil-tests/metal/real-port.ts',
        text: `return await new Promise((resolve) => {
      this.#port.get((error, status) => {
        if (error || status === undefined) return resolve(undefined);`,
        by: `return await new Promise((resolve, reject) => {
      this.#port.get((error, status) => {
        if (error || status === undefined) return reject(error);`,
      },
    ],
    heldBy: ['hil-tests/metal/wiring.test.ts'],
  },
];
