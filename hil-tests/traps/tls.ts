import type { Trap } from './trap.ts';

const onePort = 'cloud/doors/alpn/one-port.test.ts';

/** What Node's TLS does, and what certificates made with node-forge do. */
export const tlsTraps: readonly Trap[] = [
  {
    name: 'tls-expired-and-forged',
    bites:
      'Where time is not insisted on, a forged certificate gives the same error as one that has expired.',
    guard: 'A chain check of our own, strict about everything but time.',
    removals: [
      {
        file: 'device-runtime/uplink/secure.ts',
        text: 'if (fault !== undefined) throw new Untrusted(notBelieved(fault, options));',
        by: '',
      },
    ],
    heldBy: ['device-runtime/uplink/secure.test.ts'],
  },
  {
    name: 'tls-asks-browsers',
    bites: 'Asking for certificates belongs to a server, not to a protocol: browsers get a prompt.',
    guard: 'A look at the ALPN of each hello, and servers of their own for who may be asked.',
    removals: [
      {
        file: 'cloud/doors/https/door.ts',
        text: 'if (protocols.length > 0) return undefined;',
        by: '',
      },
    ],
    heldBy: [onePort],
  },
  {
    name: 'tls-resumed',
    bites: 'A resumed session brings its old certificate, authorised, without showing it again.',
    guard: 'Every connection is asked whether its certificate still stands.',
    removals: [
      {
        file: 'cloud/doors/mqtt/identify.ts',
        text: 'return stillFault(gateway, directory, now) ?? gateway;',
        by: 'return gateway;',
      },
    ],
    heldBy: [onePort],
  },
  {
    name: 'tls-resumed-across-doors',
    bites: 'A session that was begun at one door is resumed at another that has its keys.',
    guard: 'Each door has sessions of its own.',
    removals: [
      {
        file: 'cloud/doors/tls.ts',
        text: 'sessionIdContext: door, ',
        by: 'ticketKeys: Buffer.alloc(48, 1), ',
      },
    ],
    heldBy: [onePort],
  },
  {
    name: 'tls-handshake-timeout',
    bites: 'A plain TLS server never destroys a socket whose handshake has timed out.',
    guard: 'It is destroyed when that is told.',
    removals: [
      {
        file: 'cloud/doors/mqtt/door.ts',
        text: "server.on('tlsClientError', (error, socket) => this.#refuseHandshake(socket, error.message));",
        by: '',
      },
    ],
    heldBy: ['hil-tests/scenarios/mqtt-hostile.test.ts'],
  },
  {
    name: 'tls-no-header-timeouts',
    bites:
      'Requests that come by another server have no limit of time, unless the one that serves them listens.',
    guard: 'The HTTPS server is the one that listens, and looks at its times every second.',
    removals: [
      {
        file: 'cloud/doors/https/door.ts',
        text: 'connectionsCheckingInterval: 1000,',
        by: 'connectionsCheckingInterval: 3_600_000,',
      },
    ],
    heldBy: [onePort],
  },
  {
    name: 'tls-intermediate',
    bites: 'A client that sends its own certificate alone is not believed.',
    guard: 'The issuing certificates stand among those whom the doors believe.',
    removals: [
      {
        file: 'cloud/authority/hierarchy.ts',
        text: `    rootsPem(kept) +
    believed(kept)
      .map(({ pem }) => pem)
      .join('')`,
        by: '    rootsPem(kept)',
      },
    ],
    heldBy: ['cloud/doors/mqtt/connecting.test.ts'],
  },
  {
    name: 'forge-tampered',
    bites: 'Of a request that was tampered with it throws, where it should say no.',
    guard: "The signature is checked by OpenSSL over the request's own bytes.",
    removals: [
      {
        file: 'sdk/identity/request.ts',
        text: "if (!verify(hash, toDer(info), publicKey, Buffer.from(String(request.signature), 'latin1'))) {",
        by: 'if (!(request as unknown as { verify(): boolean }).verify()) {',
      },
    ],
    heldBy: ['sdk/identity/request.test.ts'],
  },
  {
    name: 'forge-not-der',
    bites: 'It reads what is no DER, and says the same of it: what is signed is not what is read.',
    guard: 'What it would write differently is refused.',
    removals: [
      {
        file: 'sdk/identity/forge.ts',
        text: 'if (Buffer.compare(toDer(structure), der) !== 0)',
        by: 'if (false)',
      },
    ],
    heldBy: ['sdk/identity/request.test.ts'],
  },
  {
    name: 'forge-elliptic',
    bites: 'Keys on elliptic curves all fail in it, somewhere.',
    guard: 'Keys are RSA of an accepted size, and anything else is refused by name.',
    removals: [
      {
        file: 'sdk/identity/keys.ts',
        text: "if (key.asymmetricKeyType !== 'rsa')",
        by: 'if (key.asymmetricKeyType === undefined)',
      },
    ],
    heldBy: ['sdk/identity/request.test.ts'],
  },
  {
    name: 'forge-authority-key-id',
    bites: "Its authorityKeyIdentifier is computed of its own key, where the issuer's id is wanted.",
    guard: "It is taken from the issuer's certificate.",
    removals: [
      {
        file: 'sdk/identity/certificate.ts',
        text: "{ name: 'authorityKeyIdentifier', keyIdentifier: subjectKeyId(issuer) },",
        by: "{ name: 'authorityKeyIdentifier', keyIdentifier: true },",
      },
    ],
    heldBy: ['sdk/identity/openssl.test.ts'],
  },
  {
    name: 'clock-1970',
    bites: 'A board without a battery believes that it is 1970, and believes no certificate.',
    guard: "OpenSSL's clock counts only where the system's is vouched for.",
    removals: [
      {
        file: 'device-runtime/uplink/secure.ts',
        text: 'rejectUnauthorized: bySystemClock,',
        by: 'rejectUnauthorized: true,',
      },
    ],
    heldBy: ['device-runtime/uplink/secure.test.ts'],
  },
  {
    name: 'tuf-clock-behind',
    bites: 'tuf-js asks the system for the time: in 1970 nothing is ever out of date.',
    guard: 'An update begins only where somebody vouches for the time.',
    removals: [
      {
        file: 'device-runtime/update/trusted-time.ts',
        text: "if (time.kind === 'at-least') {",
        by: 'if (false) {',
      },
    ],
    heldBy: ['device-runtime/update/trusted-time.test.ts'],
  },
  {
    name: 'tuf-clock-turned-back',
    bites: 'Whoever turns the time back has metadata of then believed again.',
    guard: 'No time below the stored floor is believed.',
    removals: [
      {
        file: 'device-runtime/update/trusted-time.ts',
        text: 'if (time.wall + time.uncertainty + tolerance < past) {',
        by: 'if (false) {',
      },
    ],
    heldBy: ['device-runtime/update/trusted-time.test.ts'],
  },
  {
    name: 'tuf-clock-ahead',
    bites: 'A clock that once stood in 2099 is a floor that no time reaches: updates stop for ever.',
    guard: 'Nothing is believed to be past that lies a lifetime behind the build.',
    removals: [
      {
        file: 'device-runtime/update/trusted-time.ts',
        text: 'floor <= (built ?? system) + lifetime ? floor : 0',
        by: 'floor',
      },
    ],
    heldBy: ['device-runtime/update/trusted-time.test.ts'],
  },
  {
    name: 'tuf-clock-wrong',
    bites: 'It asks no clock but the system’s, and in 2099 everything is out of date.',
    guard: 'An update begins only where the system’s clock agrees with what is vouched for.',
    removals: [
      {
        file: 'device-runtime/update/trusted-time.ts',
        text: 'if (Math.abs(system - time.wall) > time.uncertainty + tolerance) {',
        by: 'if (false) {',
      },
    ],
    heldBy: ['device-runtime/update/trusted-time.test.ts'],
  },
];
