import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SimulatedClock } from './clock.ts';
import { FaultProxy, type Faults } from './fault-proxy.ts';
import { until } from './until.ts';

const test = suite('fault proxy');

/** A TCP server that sends back what it gets, and knows how its connections ended. */
async function openEcho(port = 0) {
  const endings: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', (error: NodeJS.ErrnoException) => endings.push(error.code ?? 'error'));
    socket.on('end', () => endings.push('end'));
    socket.on('close', () => sockets.delete(socket));
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    endings,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A client that keeps what it gets, and knows how its connection ended. */
async function openClient(port: number, host = '127.0.0.1') {
  const socket = connect({ port, host });
  const chunks: Buffer[] = [];
  const endings: string[] = [];
  socket.on('data', (bytes: Buffer) => chunks.push(bytes));
  socket.on('end', () => endings.push('end'));
  socket.on('error', (error: NodeJS.ErrnoException) => endings.push(error.code ?? 'error'));
  await until(() => !socket.connecting);
  return { socket, endings, got: () => Buffer.concat(chunks).toString() };
}

/** Echo server, proxy before it, and clients; all gone at the end, however the situation ends. */
function situation(
  name: string,
  run: (world: {
    echo: Awaited<ReturnType<typeof openEcho>>;
    proxy: FaultProxy;
    client: (port?: number) => ReturnType<typeof openClient>;
  }) => Promise<void>,
  faults: Partial<Faults> = {},
) {
  test(name, async () => {
    const echo = await openEcho();
    const proxy = await FaultProxy.open({ target: { port: echo.port }, faults, seed: 3 });
    const clients: Socket[] = [];
    try {
      await run({
        echo,
        proxy,
        async client(port = proxy.port) {
          const client = await openClient(port);
          clients.push(client.socket);
          return client;
        },
      });
    } finally {
      for (const socket of clients) socket.destroy();
      await proxy.close();
      await echo.close();
    }
  });
}

/** Lets the kernel and the event loop do everything that is already possible: round trips past the proxy. */
async function roundTripsBeside(echoPort: number) {
  const beside = await openClient(echoPort);
  for (let trip = 1; trip <= 20; trip++) {
    beside.socket.write('.');
    await until(() => beside.got().length === trip);
  }
  beside.socket.end();
  await until(() => beside.endings.length > 0);
}

situation(
  'without faults, bytes and ends pass both ways, and are counted',
  async ({ echo, proxy, client }) => {
    const { socket, got, endings } = await client();
    socket.write('through');
    await until(() => got() === 'through');
    assert.is(proxy.counts.open, 1);
    socket.end(' and back');
    await until(() => endings.length > 0);
    assert.is(got(), 'through and back');
    assert.equal(endings, ['end']);
    assert.equal(echo.endings, ['end']);
    await until(() => proxy.counts.open === 0);
    assert.equal(proxy.counts, {
      accepted: 1,
      open: 0,
      targetFailed: 0,
      bytesToTarget: 16,
      bytesToClient: 16,
      bytesHeld: 0,
      lostSegments: 0,
    });
  },
);

situation('a megabyte passes whole', async ({ client }) => {
  const { socket, got } = await client();
  const sent = 'loadline '.repeat(116_509);
  socket.write(sent);
  await until(() => got().length >= sent.length);
  assert.ok(got() === sent);
});

situation('latency delays each way, and is gone when taken back', async ({ echo, proxy, client }) => {
  const { socket, got } = await client();
  await proxy.set({ latencyMs: 40 });
  const start = performance.now();
  socket.write('late');
  await until(() => got() === 'late');
  assert.ok(performance.now() - start >= 80, `round trip in ${performance.now() - start} ms`);
  await proxy.set({ latencyMs: 3_600_000, bytesPerSecond: 1 });
  socket.write(' and held');
  await roundTripsBeside(echo.port);
  assert.is(got(), 'late');
  await proxy.clear();
  socket.write(' and soon');
  await until(() => got() === 'late and held and soon');
});

situation(
  'bandwidth is a bound on bytes a second',
  async ({ client }) => {
    const { socket, got } = await client();
    const start = performance.now();
    socket.write('x'.repeat(20_000));
    await until(() => got().length === 20_000);
    assert.ok(performance.now() - start >= 100, `20 KB in ${performance.now() - start} ms`);
  },
  { bytesPerSecond: 200_000 },
);

situation(
  'bandwidth is one for all connections together',
  async ({ client }) => {
    const [one, other] = [await client(), await client()];
    const start = performance.now();
    one.socket.write('x'.repeat(20_000));
    other.socket.write('y'.repeat(20_000));
    await until(() => one.got().length === 20_000 && other.got().length === 20_000);
    assert.ok(performance.now() - start >= 200, `40 KB in ${performance.now() - start} ms`);
  },
  { bytesPerSecond: 200_000 },
);

test('which segments of a connection are lost depends on the seed, and not on what other connections do', async () => {
  const echo = await openEcho();
  /** What is lost of each of thirty messages and their echoes, on two connections; opened in order, used in that of `turns`. */
  const lostOf = async (seed: number, turns: readonly (0 | 1)[]) => {
    const loss = { rate: 0.3, retransmitMs: 1 };
    await using proxy = await FaultProxy.open({ target: { port: echo.port }, faults: { loss }, seed });
    const clients = [await openClient(proxy.port), await openClient(proxy.port)] as const;
    const lost: [number[], number[]] = [[], []];
    for (const turn of turns) {
      const { socket, got } = clients[turn];
      const before = proxy.counts.lostSegments;
      socket.write('.');
      await until(() => got().length === lost[turn].length + 1);
      lost[turn].push(proxy.counts.lostSegments - before);
    }
    for (const { socket } of clients) socket.destroy();
    return lost;
  };
  try {
    const [first, second] = [Array<0>(30).fill(0), Array<1>(30).fill(1)];
    const [lost, again, other] = [
      await lostOf(3, [...first, ...second]),
      await lostOf(3, [...second, ...first]),
      await lostOf(4, [...first, ...second]),
    ];
    assert.equal(again, lost);
    assert.not.equal(other, lost);
    assert.not.equal(lost[0], lost[1]);
  } finally {
    await echo.close();
  }
});

situation(
  'loss delays segments and what is behind them, and loses no byte',
  async ({ proxy, client }) => {
    const { socket, got } = await client();
    const start = performance.now();
    const sent = Array.from({ length: 20_000 }, (_, index) => String.fromCharCode(97 + (index % 26))).join(
      '',
    );
    socket.write(sent);
    await until(() => got().length === sent.length);
    assert.is(got(), sent);
    assert.ok(proxy.counts.lostSegments > 0);
    assert.ok(performance.now() - start >= 20);
  },
  { loss: { rate: 0.5, retransmitMs: 20 } },
);

situation(
  'frozen, it accepts and passes nothing; thawed, nothing is missing',
  async ({ echo, proxy, client }) => {
    const before = await client();
    before.socket.write('a');
    await until(() => before.got() === 'a');
    await proxy.set({ flow: 'freeze' });
    const during = await client();
    await until(() => proxy.counts.accepted === 2);
    before.socket.write('b');
    during.socket.end('c');
    await roundTripsBeside(echo.port);
    assert.is(proxy.counts.bytesToTarget, 1);
    assert.equal([before.got(), during.got(), ...during.endings, ...echo.endings], ['a', '', 'end']);
    await proxy.set({ flow: 'forward' });
    await until(() => before.got() === 'ab' && during.got() === 'c' && during.endings.length === 1);
  },
);

situation(
  'frozen, it holds the sender back and does not fill memory',
  async ({ echo, proxy, client }) => {
    const { socket, got } = await client();
    const bytes = Buffer.alloc(16 * 1024 * 1024, 'x');
    socket.write(bytes);
    await roundTripsBeside(echo.port);
    assert.ok(socket.writableLength > 0, 'all of 16 MB was taken');
    await proxy.clear();
    await until(() => got().length === bytes.length);
  },
  { flow: 'freeze' },
);

situation('reset is a reset on both sides, and new connections work', async ({ echo, proxy, client }) => {
  const { socket, got, endings } = await client();
  socket.write('a');
  await until(() => got() === 'a');
  proxy.reset();
  await until(() => endings.length > 0 && echo.endings.length > 0);
  assert.equal(endings, ['ECONNRESET']);
  assert.equal(echo.endings, ['ECONNRESET']);
  await until(() => proxy.counts.open === 0);
  const again = await client();
  again.socket.write('b');
  await until(() => again.got() === 'b');
});

situation('half-open, neither side learns that the other is gone', async ({ echo, proxy, client }) => {
  const gone = await client();
  gone.socket.write('a');
  const crashed = await client();
  crashed.socket.write('x');
  await until(() => gone.got() === 'a' && crashed.got() === 'x');
  proxy.halfOpen();
  crashed.socket.resetAndDestroy();
  gone.socket.write('into the void');
  gone.socket.end();
  await roundTripsBeside(echo.port);
  assert.equal(gone.endings, []);
  assert.equal(echo.endings, ['end'], 'only the connection beside the proxy has ended');
  assert.is(proxy.counts.bytesToTarget, 2);

  const fresh = await client();
  fresh.socket.write('b');
  await until(() => fresh.got() === 'b');
  await proxy.clear();
  await until(() => gone.endings.length > 0 && echo.endings.length > 2);
  assert.equal(gone.endings, ['ECONNRESET']);
  assert.equal(echo.endings, ['end', 'ECONNRESET', 'ECONNRESET']);
  fresh.socket.write('c');
  await until(() => fresh.got() === 'bc');
});

situation(
  'refusing new connections leaves the old ones, until it accepts again',
  async ({ proxy, client }) => {
    const old = await client();
    await until(() => proxy.counts.accepted === 1);
    await proxy.set({ newConnections: 'refuse' });
    const refused = await client();
    await until(() => refused.endings.length > 0);
    assert.equal(refused.endings, ['ECONNREFUSED']);
    old.socket.write('a');
    await until(() => old.got() === 'a');
    const { port } = proxy;
    await proxy.set({ newConnections: 'accept' });
    assert.is(proxy.port, port);
    const next = await client();
    next.socket.write('b');
    await until(() => next.got() === 'b');
  },
);

situation('a reset that meets an end on its way leaves nothing open', async ({ echo, proxy, client }) => {
  const { socket, got, endings } = await client();
  socket.write('a');
  await until(() => got() === 'a');
  await proxy.set({ flow: 'freeze' });
  socket.end();
  await roundTripsBeside(echo.port);
  // The end is handed on, and the kernel has not been told of it yet.
  const forwarded = proxy.set({ flow: 'forward' });
  proxy.reset();
  await forwarded;
  await until(() => proxy.counts.open === 0);
  await until(() => endings.length > 0);
  assert.equal(endings, ['ECONNRESET']);
});

situation('of changes that are made at once the last one holds', async ({ proxy, client }) => {
  const set = (newConnections: Faults['newConnections']) => proxy.set({ newConnections });
  await Promise.all([set('refuse'), set('accept'), set('accept'), set('refuse')]);
  const refused = await client();
  await until(() => refused.endings.length > 0);
  assert.equal(refused.endings, ['ECONNREFUSED']);
  await Promise.all([set('accept'), set('refuse'), set('accept')]);
  const next = await client();
  next.socket.write('a');
  await until(() => next.got() === 'a');
  const late = [set('refuse'), set('accept')];
  await proxy.close();
  await Promise.all(late);
  const { endings } = await client();
  await until(() => endings.length > 0);
  assert.equal(endings, ['ECONNREFUSED']);
});

situation('a target that is not there resets its client, and is counted', async ({ echo, proxy, client }) => {
  await echo.close().catch(() => undefined);
  const { endings } = await client();
  await until(() => endings.length > 0);
  assert.equal(endings, ['ECONNRESET']);
  await until(() => proxy.counts.open === 0);
  assert.is(proxy.counts.targetFailed, 1);
});

situation('listens on 127.0.0.1 and nowhere else', async ({ proxy }) => {
  const { socket, endings } = await openClient(proxy.port, '127.0.0.2');
  await until(() => endings.length > 0);
  assert.equal(endings, ['ECONNREFUSED']);
  socket.destroy();
});

situation('says so when its port is taken, or an option is none', async ({ proxy, echo }) => {
  const target = { port: echo.port };
  const taken = await FaultProxy.open({ target, port: proxy.port }).catch((error) => error);
  assert.is(taken.code, 'proxy');
  assert.match(taken.message, `127.0.0.1:${proxy.port}`);
  const error = await proxy.set({ loss: { rate: 1 } }).catch((refused) => refused);
  assert.is(error.code, 'option');
  assert.is(proxy.faults.loss, undefined);
});

situation('led elsewhere, new connections go there, and open ones stay', async ({ proxy, client }) => {
  const other = createServer((socket) => socket.end('elsewhere'));
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const before = await client();
  before.socket.write('before');
  await until(() => before.got() === 'before');
  proxy.leadTo({ port: (other.address() as AddressInfo).port });
  const after = await client();
  await until(() => after.got() === 'elsewhere');
  before.socket.write(' and after');
  await until(() => before.got() === 'before and after');
  await new Promise((resolve) => other.close(resolve));
});

/** A target that notes what reaches it, connection by connection, and a proxy before it on a clock that stands still. */
async function openNoting(faults: Partial<Faults>) {
  const clock = new SimulatedClock();
  const reached: string[] = [];
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => reached.push(bytes.toString()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const proxy = await FaultProxy.open({ target: { port }, faults, seed: 7, clock });
  const clients: Socket[] = [];
  return {
    clock,
    reached,
    connections: () => connections,
    proxy,
    /** Connects, says a word, and waits until the proxy has both. */
    async say(word: string, over?: Socket): Promise<Socket> {
      const socket = over ?? (await openClient(proxy.port)).socket;
      if (over === undefined) clients.push(socket);
      await until(() => proxy.counts.accepted === clients.length);
      const { bytesToTarget, bytesHeld } = proxy.counts;
      socket.write(word);
      await until(
        () => proxy.counts.bytesToTarget + proxy.counts.bytesHeld === bytesToTarget + bytesHeld + word.length,
      );
      return socket;
    },
    /** Lets time pass, and in each step what is due reach the target. */
    async pass(milliseconds: number) {
      for (let passed = 0; passed < milliseconds; passed += 5) {
        await clock.advance(5);
        await until(() => reached.join('').length === proxy.counts.bytesToTarget);
      }
    },
    async close() {
      for (const socket of clients) socket.destroy();
      await proxy.close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const words = ['a', 'b', 'c', 'd', 'e', 'f'];

test('spread, connections reach the target in another order, the same for the same seed', async () => {
  const orders: string[] = [];
  for (let time = 0; time < 2; time++) {
    const { reached, connections, proxy, say, pass, close } = await openNoting({ spreadMs: 1000 });
    for (const word of words) await say(word);
    assert.equal([reached, proxy.counts.accepted, connections()], [[], 6, 0]);
    await pass(2000);
    assert.is(connections(), 6);
    assert.equal(reached.toSorted(), words);
    orders.push(reached.join(''));
    await close();
  }
  assert.is.not(orders[0], words.join(''));
  assert.is(orders[0], orders[1]);
});

for (const faults of [{ spreadMs: 400 }, { jitterMs: 400 }]) {
  test(`${Object.keys(faults)}: bytes of several connections overtake each other, and none within one`, async () => {
    const { reached, proxy, say, pass, close } = await openNoting({});
    const sockets: Socket[] = [];
    for (const word of words) sockets.push(await say(word));
    await until(() => reached.length === 6);
    await proxy.set(faults);
    const said: string[] = [];
    for (const round of ['1', '2', '3']) {
      for (const [index, socket] of sockets.entries()) {
        said.push(`${words[index]}${round}`);
        await say(`${words[index]}${round}`, socket);
      }
    }
    assert.equal(reached, words);
    await pass(800);
    const heard = reached.slice(words.length).join('').match(/../g) ?? [];
    assert.equal(heard.toSorted(), said.toSorted());
    assert.not.equal(heard, said);
    for (const word of words) {
      assert.equal(
        heard.filter((each) => each.startsWith(word)),
        [`${word}1`, `${word}2`, `${word}3`],
      );
    }
    await close();
  });
}

test('what waits for its turn is led on when the faults are taken back, or is gone when it gives up', async () => {
  const { reached, proxy, say, close } = await openNoting({ spreadMs: 3_600_000 });
  await say('a');
  const impatient = await say('b');
  impatient.resetAndDestroy();
  await until(() => proxy.counts.open === 1);
  // Due at once, but over a connection that has yet to be led on.
  const silent = await say('');
  await proxy.set({ spreadMs: 0 });
  await say('c', silent);
  assert.equal([reached, proxy.counts.bytesHeld, silent.destroyed], [[], 2, false]);
  await proxy.clear();
  await until(() => reached.toSorted().join('') === 'ac');
  assert.is(proxy.counts.targetFailed, 0);
  await close();
});

test('jitter is a bound: later than the latency, and not by more', async () => {
  const { reached, say, pass, close } = await openNoting({ latencyMs: 100, jitterMs: 50 });
  const socket = await say('a');
  await pass(95);
  assert.equal(reached, []);
  await pass(55);
  assert.equal(reached, ['a']);
  await say('b', socket);
  await pass(150);
  assert.equal(reached, ['a', 'b']);
  await close();
});

test('a broker restarted under it: its clients are cut, refused while it is away, served when it is back', async () => {
  const first = await openEcho();
  const proxy = await FaultProxy.open({ target: { port: first.port } });
  const before = await openClient(proxy.port);
  before.socket.write('before');
  await until(() => before.got() === 'before');
  await first.close();
  await until(() => before.endings.length > 0);
  const away = await openClient(proxy.port);
  await until(() => away.endings.length > 0);
  assert.equal(away.endings, ['ECONNRESET']);
  assert.is(proxy.counts.targetFailed, 1);
  const second = await openEcho(first.port);
  const after = await openClient(proxy.port);
  after.socket.write('after');
  await until(() => after.got() === 'after');
  await until(() => proxy.counts.open === 1);
  for (const { socket } of [before, away, after]) socket.destroy();
  await proxy.close();
  await second.close();
});

test.run();
