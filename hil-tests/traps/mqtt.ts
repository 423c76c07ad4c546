import type { Trap } from './trap.ts';

const mqttJsTest = 'device-runtime/uplink/mqttjs-traps.test.ts';

/** What MQTT.js 5 does when it is pushed. */
export const mqttJsTraps: readonly Trap[] = [
  {
    name: 'mqttjs-one-a-round-trip',
    bites: 'Its backlog is sent one message a round trip: ten a second where the cloud is 100 ms away.',
    guard: 'Our own window over the journal keeps several batches on their way.',
    removals: [
      {
        file: 'device-runtime/uplink/schedule.ts',
        text: 'if (backlogRoom >= size.backlog / 2) {',
        by: 'if (schedule.inFlight.length === 0) {',
      },
    ],
    heldBy: [mqttJsTest],
  },
  {
    name: 'mqttjs-ids-wrap',
    bites: 'Of 66,000 publishes made offline some vanish: message ids wrap at 65,535.',
    guard: 'What waits has the numbers of the journal, which never wrap.',
    removals: [
      {
        file: 'device-runtime/uplink/schedule.ts',
        text: '    backlog: held,\n',
        by: '    backlog: held.map(({ first, last }) => ({ first, last: Math.min(last, first + 65_535) })),\n',
      },
    ],
    heldBy: [mqttJsTest],
  },
  {
    name: 'mqttjs-replay-in-memory',
    bites: 'What is published while a backlog is replayed is kept in memory alone.',
    guard: 'An entry leaves the journal on its PUBACK, and on nothing else.',
    removals: [
      {
        file: 'sdk/mqtt/mqtt-link.ts',
        text: 'this.#client.publish(topic, payload, { qos }, publish.settle);',
        by: 'this.#client.publish(topic, payload, { qos });\n      publish.settle();',
      },
    ],
    heldBy: [mqttJsTest],
  },
  {
    name: 'mqttjs-reconnects-in-step',
    bites: 'It reconnects after a fixed time: a fleet comes back as one.',
    guard: 'It never reconnects; the uplink does, later each time.',
    removals: [
      {
        file: 'device-runtime/uplink/uplink.ts',
        text: 'contests === 0 ? backoffDelay(backoff, failures, random()) : contestedDelay(contests, random()),',
        by: '1000,',
      },
    ],
    heldBy: [mqttJsTest],
  },
  {
    name: 'mqttjs-reconnects-by-itself',
    bites: 'A client that was lost goes on connecting behind the back of whoever made another.',
    guard: 'One client a connection, without its reconnecting, ended with its link.',
    removals: [
      { file: 'sdk/mqtt/mqtt-link.ts', text: 'reconnectPeriod: 0,', by: 'reconnectPeriod: 1000,' },
      { file: 'sdk/mqtt/mqtt-link.ts', text: 'this.#client.end(true);', by: '' },
    ],
    heldBy: [mqttJsTest],
  },
  {
    name: 'mqttjs-never-settles',
    bites: 'The promise of a publish made offline never settles.',
    guard: 'Without a link it is refused at once.',
    removals: [
      {
        file: 'device-runtime/uplink/uplink.ts',
        text: 'if (link === undefined) return false;',
        by: 'if (link === undefined) return await new Promise<boolean>(() => {});',
      },
    ],
    heldBy: [mqttJsTest],
  },
  {
    name: 'mqttjs-memory',
    bites: 'Offline it keeps every message in memory, without a bound.',
    guard: 'Without a link nothing is handed to anybody: the journal is bounded, and the rest is told later.',
    removals: [
      {
        file: 'device-runtime/uplink/uplink.ts',
        text: 'if (this.#schedule === undefined) return;',
        by: 'if (this.#schedule === undefined) {\n      ((this as { kept?: Entry[] }).kept ??= []).push(structuredClone(entry));\n      return;\n    }',
      },
    ],
    heldBy: [mqttJsTest],
  },
];

const hostile = 'hil-tests/scenarios/mqtt-hostile.test.ts';

/** What aedes 1.2 does when it is pushed. */
export const aedesTraps: readonly Trap[] = [
  {
    name: 'aedes-slow-subscriber',
    bites: 'One slow subscriber fills its queues without bound and starves the others.',
    guard: 'Each link is sent to by itself; what one has not taken is bounded, and the rest is owed.',
    removals: [
      {
        file: 'cloud/doors/mqtt/application-session.ts',
        text: 'const isBehind = this.#skipped > 0 || this.link.untaken > limits.applicationUntakenBytes;',
        by: 'const isBehind = false;',
      },
      {
        file: 'cloud/doors/mqtt/application-session.ts',
        text: 'if (isOwed || this.link.untaken > limits.applicationBurstBytes)',
        by: 'if (isOwed)',
      },
    ],
    heldBy: ['cloud/doors/slow-followers.test.ts'],
  },
  {
    name: 'aedes-any-filter',
    bites: 'Whoever is connected may subscribe to everything.',
    guard: "Filters outside an application's own topics are refused.",
    removals: [
      {
        file: 'cloud/doors/mqtt/door.ts',
        text: 'done(null, allowed ? subscription : null);',
        by: 'done(null, allowed === undefined ? null : subscription);',
      },
    ],
    heldBy: ['cloud/doors/mqtt/applications.test.ts'],
  },
  {
    name: 'aedes-packet-size',
    bites: 'It has no limit of a packet: 100 MB of an unauthenticated CONNECT are gathered.',
    guard: "The packets' lengths are followed before it, with a bound before the CONNECT and one behind it.",
    removals: [
      {
        file: 'cloud/doors/mqtt/guarded-connection.ts',
        text: 'if (this.#length > this.#packetBytes || (byte >= 0x80 && this.#scale > 0x200000)) {',
        by: 'if (false) {',
      },
    ],
    heldBy: ['cloud/doors/mqtt/last-word.test.ts'],
  },
  {
    name: 'aedes-pending',
    bites: 'Publishes that trickle in while commits wait are all taken.',
    guard: 'What is pending of a link is bounded in bytes: past that it is not read.',
    removals: [
      {
        file: 'cloud/doors/mqtt/deliveries.ts',
        text: 'if (this.#pendingBytes > limits.mqttPendingBytes && !this.#held) {',
        by: 'if (false) {',
      },
    ],
    heldBy: ['cloud/doors/mqtt/deliveries.test.ts', hostile],
  },
  {
    name: 'aedes-paused-pings',
    bites: 'The PINGREQ of a client that is paused is not read, and it is cut.',
    guard: 'A link that is slowed has its pings answered out of their turn.',
    removals: [
      {
        file: 'cloud/doors/mqtt/guarded-connection.ts',
        text: `      this.#socket.write(pingResponse);
      // One`,
        by: '      // One',
      },
      {
        file: 'cloud/doors/mqtt/guarded-connection.ts',
        text: `    this.#kept?.onAlive();
    this.#socket.write(pingResponse);`,
        by: '',
      },
      { file: 'cloud/doors/mqtt/guarded-connection.ts', text: '    kept.onAlive();\n', by: '' },
    ],
    heldBy: ['cloud/doors/limited.test.ts'],
  },
  {
    name: 'aedes-puback-order',
    bites: 'PUBACKs go out in the order of the callbacks, not of the publishes.',
    guard: 'Each is acknowledged when it and all before it are settled.',
    removals: [
      {
        file: 'cloud/doors/mqtt/deliveries.ts',
        text: '    pending.acknowledge = acknowledge;\n',
        by: '    acknowledge();\n    pending.acknowledge = () => {};\n',
      },
    ],
    heldBy: ['cloud/doors/mqtt/deliveries.test.ts'],
  },
  {
    name: 'aedes-rejection-drops-link',
    bites:
      'To refuse a publish with an error drops the connection without an acknowledgement, and it comes again for ever.',
    guard: 'What is refused for good is committed as rejected and acknowledged.',
    removals: [
      {
        file: 'cloud/doors/mqtt/deliveries.ts',
        text: `        case 'rejected':
          this.#heard(`,
        by: `        case 'rejected':
          if (receipt.kind === 'rejected') link.end('internal', 'refused');
          else this.#heard(`,
      },
    ],
    heldBy: [hostile],
  },
  {
    name: 'aedes-takeover',
    bites: 'Whoever connects under a client id ends the link of the one that has it.',
    guard: 'To the broker a client is called by what proved it: nobody with a key has the name of a gateway.',
    removals: [
      {
        file: 'cloud/doors/mqtt/door.ts',
        text: 'packet.clientId = brokerId(connected.claim);',
        by: '',
      },
    ],
    heldBy: ['cloud/doors/mqtt/connecting.test.ts'],
  },
  {
    name: 'aedes-keepalive-zero',
    bites: 'A client with keepalive 0 is never cut.',
    guard: 'It gets the longest keepalive there is.',
    removals: [
      {
        file: 'cloud/doors/mqtt/connect-packet.ts',
        text: 'if (packet.keepalive === 0) packet.keepalive = limits.mqttKeepaliveSeconds;',
        by: '',
      },
      {
        file: 'cloud/doors/mqtt/door.ts',
        text: 'keepaliveLimit: limits.mqttKeepaliveSeconds,',
        by: '',
      },
    ],
    heldBy: ['cloud/doors/mqtt/connecting.test.ts'],
  },
  {
    name: 'aedes-retained',
    bites: 'A message that is published with the flag is kept, and meets every later subscriber.',
    guard:
      'The flag is taken off, the broker hands nothing on by itself, and nobody may listen where devices speak.',
    removals: [
      { file: 'cloud/doors/mqtt/door.ts', text: 'packet.retain = false;', by: '' },
      {
        file: 'cloud/doors/mqtt/door.ts',
        text: `    broker.publish = (...called: readonly unknown[]) => {
      const done = called.at(-1);
      if (typeof done === 'function') done();
    };`,
        by: '',
      },
      {
        file: 'cloud/doors/mqtt/door.ts',
        text: 'done(null, allowed ? subscription : null);',
        by: 'done(null, allowed === undefined ? null : subscription);',
      },
    ],
    heldBy: ['cloud/doors/mqtt/retained.test.ts'],
  },
  {
    name: 'aedes-revoked-stays',
    bites: 'Who is revoked or switched off keeps the link that he has.',
    guard: 'Every link is asked once a second whether what proved it still stands.',
    removals: [
      {
        file: 'cloud/doors/mqtt/gateway-links.ts',
        text: 'const fault = stillFault(session.proven, directory, at);',
        by: 'const fault = undefined as ReturnType<typeof stillFault>;',
      },
    ],
    heldBy: ['cloud/doors/mqtt/switched-off.test.ts'],
  },
];
