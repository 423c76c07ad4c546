import type { Trap } from './trap.ts';

const runnerTest = 'hil-tests/runner/runner.test.ts';

/** What the other libraries do. */
export const otherLibraryTraps: readonly Trap[] = [
  {
    name: 'uvu-nothing-ran',
    bites: 'A file that registered no test passes.',
    guard: 'The runner fails it.',
    removals: [
      {
        file: 'hil-tests/runner/run-file.ts',
        text: "if (total + skipped === 0) found.push('registered no test: is test.run() missing?');",
        by: '',
      },
    ],
    heldBy: [runnerTest],
  },
  {
    name: 'uvu-no-run',
    bites: 'A file that forgot run() passes.',
    guard: 'A file without a summary is failed.',
    removals: [
      {
        file: 'hil-tests/runner/run-file.ts',
        text: 'return { passed: 0, failed: 1, skipped: 0, problems: [...problems, ...reason] };',
        by: 'return { passed: 0, failed: 0, skipped: 0, problems };',
      },
    ],
    heldBy: [runnerTest],
  },
  {
    name: 'uvu-hook-throws',
    bites: 'It ends with code 0 where a hook threw and the tests behind it never ran.',
    guard: 'What did not pass has failed.',
    removals: [
      {
        file: 'hil-tests/runner/run-file.ts',
        text: 'const failed = total - passed;',
        by: 'const failed = 0;',
      },
    ],
    heldBy: [runnerTest],
  },
  {
    name: 'uvu-open-handle',
    bites: 'An open handle keeps it for ever.',
    guard: 'A file that does not exit after its summary is ended, and failed.',
    removals: [
      {
        file: 'hil-tests/runner/run-file.ts',
        text: `return [\`did not exit within \${exitGraceMs / 1000} s of its summary: it leaves a handle open\`];`,
        by: 'return [];',
      },
    ],
    heldBy: [runnerTest],
  },
  {
    name: 'uvu-no-time-limit',
    bites: 'It knows no limit of time.',
    guard: 'The runner ends a file at its limit, and says so.',
    removals: [
      {
        file: 'hil-tests/runner/run-file.ts',
        text: `return [\`not done within its time limit of \${file.timeLimitMs / 1000} s\`];`,
        by: 'return [];',
      },
    ],
    heldBy: [runnerTest],
  },
  {
    name: 'cbor-large-integers',
    bites: 'Whole numbers of 2^32 and above become floats: times in milliseconds.',
    guard: 'They are handed over as BigInt.',
    removals: [
      {
        file: 'sdk/telemetry/wire.ts',
        text: 'return Math.abs(value) < 2 ** 32 ? value : BigInt(value);',
        by: 'return value;',
      },
    ],
    heldBy: ['sdk/telemetry/batch.test.ts'],
  },
  {
    name: 'cbor-large-integers-read',
    bites: 'Whole numbers of 2^32 and above are read as BigInt, which nothing can be added to.',
    guard: 'They are asked for as numbers.',
    removals: [
      {
        file: 'sdk/telemetry/wire.ts',
        text: '  int64AsNumber: true,\n',
        by: '',
      },
    ],
    heldBy: ['sdk/telemetry/batch.test.ts'],
  },
  {
    name: 'cbor-records',
    bites: 'It writes objects as records, which no other decoder reads.',
    guard: 'Records are off.',
    removals: [{ file: 'sdk/serial-link/message.ts', text: '  useRecords: false,\n', by: '' }],
    heldBy: ['sdk/serial-link/message.test.ts'],
  },
  {
    name: 'cbor-map-headers',
    bites:
      'It writes the length of a map into two bytes, whatever it is: no other encoder makes those bytes.',
    guard: 'Lengths of maps take what they need.',
    removals: [{ file: 'sdk/serial-link/message.ts', text: '  variableMapSize: true,\n', by: '' }],
    heldBy: ['sdk/serial-link/message.test.ts'],
  },
  {
    name: 'cbor-bogus-typed-array',
    bites: 'A typed array of a bogus length is decoded to an empty one, without an error.',
    guard: 'Each column must hold as many values as were said.',
    removals: [
      {
        file: 'sdk/telemetry/unpack-values.ts',
        text: 'if ((packed as T).length !== count) throw wrong(type, count);',
        by: '',
      },
    ],
    heldBy: ['sdk/telemetry/hostile.test.ts'],
  },
  {
    name: 'cbor-deep',
    bites: 'Deep nesting ends in a RangeError.',
    guard: 'The shape is looked at before anything is made of it.',
    removals: [
      {
        file: 'sdk/telemetry/well-formed.ts',
        text: "if (depth === deepest) throw malformed('arrays are nested too deep');",
        by: '',
      },
    ],
    heldBy: ['sdk/telemetry/hostile.test.ts'],
  },
  {
    name: 'cbor-size',
    bites: 'It decodes whatever size it is given.',
    guard: 'The size is capped before decoding.',
    removals: [
      {
        file: 'sdk/telemetry/decode.ts',
        text: 'if (bytes.length > limits.batchBytes) {',
        by: 'if (false) {',
      },
    ],
    heldBy: ['sdk/telemetry/hostile.test.ts'],
  },
  {
    name: 'sqlite-pragma-order',
    bites: 'What reads the file before cipher and key are said finds or makes one that is not encrypted.',
    guard: 'Cipher, key, and only then anything else.',
    removals: [
      {
        file: 'cloud/store/database.ts',
        text: `  connection.pragma("cipher = 'aegis'");
`,
        by: `  connection.pragma('journal_mode = WAL');
  connection.pragma("cipher = 'aegis'");
`,
      },
    ],
    heldBy: ['cloud/at-rest/plaintext.test.ts'],
  },
  {
    name: 'hid-loaded-early',
    bites: 'node-hid needs a library of the system at its first call: a gateway without USB does not start.',
    guard: 'It is loaded when a port asks for it.',
    removals: [
      {
        file: 'device-runtime/radio/radio.ts',
        text: 'const library = once(options.hid ?? loadHid);',
        by: 'const library = once(options.hid ?? loadHid);\n    void library();',
      },
    ],
    heldBy: ['hil-tests/radio/hid.test.ts'],
  },
  {
    name: 'toml-lines',
    bites: 'smol-toml has positions for errors of syntax alone.',
    guard: 'The line of each key is found by a scan of our own.',
    removals: [{ file: 'sdk/toml/read.ts', text: 'line: lineOf(path),', by: 'line: 0,' }],
    heldBy: ['device-runtime/config/config.test.ts'],
  },
  {
    name: 'fastify-undeclared-status',
    bites: 'An answer with a status that nothing is declared for is sent as it is, whatever it holds.',
    guard: 'Every operation declares its 4xx and 5xx.',
    removals: [
      {
        file: 'cloud/doors/https/bind.ts',
        text: `        '4xx': problemReply,
        '5xx': problemReply,`,
        by: '',
      },
    ],
    heldBy: ['cloud/doors/https/undeclared.test.ts'],
  },
  {
    name: 'sqlite-unsynced',
    bites:
      'A commit that is only handed to the system is gone after a power cut, though it was acknowledged.',
    guard: 'synchronous = FULL.',
    removals: [
      {
        file: 'cloud/store/database.ts',
        text: "options.durability === 'off' ? 'OFF' : 'FULL'",
        by: "'OFF'",
      },
    ],
    heldBy: ['hil-tests/scenarios/sync-before-ack.test.ts'],
  },
  {
    name: 'node-reset-while-ending',
    bites:
      'resetAndDestroy() of a socket that is just being shut down fails: it never closes, and the process never exits.',
    guard: 'The proxy waits for the end to be with the kernel.',
    removals: [
      {
        file: 'hil-tests/rig/proxied-connection.ts',
        text: "else if (isShuttingDown(socket)) socket.once('finish', () => cut(socket));",
        by: '',
      },
    ],
    heldBy: ['hil-tests/rig/fault-proxy.test.ts'],
  },
];
