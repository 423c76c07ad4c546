// Real proxies on this machine, with the far end behind them; the far end's name is one that only they know.
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { FarEnd } from './far-end.ts';
import type { ProxyConfig } from './proxy.ts';
import { linkTo, openFarEnd } from './test-links.ts';

const test = suite('proxy');

let folder = '';
let farEnd: FarEnd;
const servers: Server[] = [];
const sockets = new Set<Socket>();
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loadline-proxy-'));
  farEnd = await openFarEnd();
});
test.after.each(() => {
  for (const server of servers.splice(0)) server.close();
  for (const socket of sockets) socket.destroy();
});
test.after(async () => {
  farEnd.close();
  await rm(folder, { recursive: true });
});

async function listening(server: Server): Promise<number> {
  servers.push(server);
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** What the proxies were asked for. */
let asked: string[] = [];
test.before.each(() => {
  asked = [];
});

function toFarEnd(one: Socket): void {
  const other = connect({ host: '127.0.0.1', port: farEnd.port });
  sockets.add(other);
  one.pipe(other).pipe(one);
  for (const socket of [one, other]) socket.on('error', () => {});
}

/** An HTTP proxy that wants `user:password`, where given, and answers `status` otherwise. */
function httpProxy({
  credentials = '',
  status = '407 Proxy Authentication Required',
  head = '',
} = {}): Promise<number> {
  const server = createHttpServer();
  server.on('connect', (request, socket: Socket) => {
    asked.push(request.url ?? '');
    const wanted = `Basic ${Buffer.from(credentials).toString('base64')}`;
    if (credentials !== '' && request.headers['proxy-authorization'] !== wanted) {
      socket.end(`HTTP/1.1 ${status}\r\n${head}\r\n`);
      return;
    }
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    toFarEnd(socket);
  });
  return listening(server);
}

/** A SOCKS 5 proxy that sends its answers byte by byte. */
function socksProxy({ credentials = '', reply = 0, bound = [3, 2, 0x68, 0x69] } = {}): Promise<number> {
  const server = createServer(async (socket) => {
    socket.setNoDelay(true);
    const drip = async (bytes: number[]) => {
      for (const byte of bytes) {
        socket.write(Buffer.from([byte]));
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const chunks: Buffer[] = [];
    const collect = (chunk: Buffer): unknown => chunks.push(chunk);
    socket.on('data', collect);
    socket.on('error', () => {});
    const next = async (): Promise<Buffer> => {
      while (chunks.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      return chunks.shift() as Buffer;
    };
    const greeting = await next();
    const method = credentials === '' ? 0 : greeting.includes(2, 2) ? 2 : 0xff;
    await drip([5, method]);
    if (method === 2) {
      const said = await next();
      const user = said.subarray(2, 2 + (said[1] as number));
      const password = said.subarray(3 + user.length);
      const good = `${user}:${password}` === credentials;
      await drip([1, good ? 0 : 1]);
      if (!good) return;
    }
    if (method === 0xff) return;
    const request = await next();
    const address = request.subarray(4, -2);
    asked.push(`${request[3]} ${request[3] === 3 ? address.subarray(1) : address.toString('hex')}`);
    await drip([5, reply, 0, ...bound, 0, 80]);
    socket.off('data', collect);
    if (reply === 0) toFarEnd(socket);
  });
  return listening(server);
}

async function tried(proxy: ProxyConfig, host = 'localhost'): Promise<string> {
  try {
    const link = await linkTo(farEnd, { proxy, host });
    await link.publish('health', '{}');
    await link.close();
    return 'connected';
  } catch (error) {
    return (error as Error).message;
  }
}

async function passwordFile(password: string): Promise<string> {
  const file = join(folder, 'password');
  await writeFile(file, password);
  return file;
}

test('a link leads through an HTTP proxy, which gets the name as it is', async () => {
  const url = `http://127.0.0.1:${await httpProxy()}`;
  assert.is(await tried({ url }), 'connected');
  assert.equal(asked, [`localhost:${farEnd.port}`]);
});

test('a link leads through a SOCKS proxy, which gets the name as it is', async () => {
  const url = `socks5://127.0.0.1:${await socksProxy()}`;
  assert.is(await tried({ url }), 'connected');
  assert.is(await tried({ url }, '127.0.0.1'), 'connected');
  assert.equal(asked, ['3 localhost', '1 7f000001']);
});

test('an IPv6 address goes to a SOCKS proxy as sixteen bytes', async () => {
  const url = `socks5://127.0.0.1:${await socksProxy({ bound: [4, ...Array<number>(16).fill(9)] })}`;
  // No certificate is for it; what matters is what was asked.
  assert.match(await tried({ url }, '2001:db8::ffff:192.0.2.1'), /is not for|ALTNAME/);
  assert.equal(asked, ['4 20010db8000000000000ffffc0000201']);
});

test('user and password are read anew each time, and are in no message', async () => {
  const credentials = 'mast:pä:ss';
  const proxies = {
    http: await httpProxy({ credentials }),
    socks5: await socksProxy({ credentials }),
  };
  for (const [kind, port] of Object.entries(proxies)) {
    const proxy = { url: `${kind}://127.0.0.1:${port}`, user: 'mast' };
    const refused = await tried({ ...proxy, password_file: await passwordFile('wrong-one') });
    assert.match(
      refused,
      /^the proxy 127\.0\.0\.1:\d+: it (answered 407|refused user and password).*password_file/,
    );
    assert.not.match(refused, /wrong-one/);
    assert.is(await tried({ ...proxy, password_file: await passwordFile('pä:ss\n') }), 'connected');
    const nobody = await tried({ url: proxy.url });
    assert.match(nobody, /set uplink\.proxy\.user and uplink\.proxy\.password_file|neither strangers/);
    assert.match(await tried({ ...proxy, password_file: '/nowhere' }), /password_file cannot be read/);
  }
});

test('says what the proxy answered', async () => {
  const forbids = await httpProxy({ credentials: 'a:b', status: '403 Forbidden by \u0007policy' });
  assert.match(
    await tried({ url: `http://127.0.0.1:${forbids}` }),
    /answered 403 Forbidden .* when asked for localhost/,
  );
  const ntlm = await httpProxy({ credentials: 'a:b', head: 'Proxy-Authenticate: NTLM\r\n' });
  assert.match(
    await tried({ url: `http://127.0.0.1:${ntlm}` }),
    /it wants NTLM, and only Basic is spoken here/,
  );
  const rules = await socksProxy({ reply: 2 });
  assert.match(await tried({ url: `socks5://127.0.0.1:${rules}` }), /answered 2, its rules do not allow it/);
  const web = await listening(createHttpServer((_request, response) => response.end()));
  assert.match(await tried({ url: `socks5://127.0.0.1:${web}` }), /it does not speak SOCKS 5|it closed/);
  const rude = await listening(createServer((socket) => socket.destroy()));
  assert.match(await tried({ url: `http://127.0.0.1:${rude}` }), /^the proxy .*(hang up|closed|reset)/);
  assert.match(await tried({ url: `socks5://127.0.0.1:${rude}` }), /^the proxy .*(closed|reset)/);
  const gone = createServer();
  const port = await listening(gone);
  gone.close();
  assert.match(await tried({ url: `http://127.0.0.1:${port}` }), /^the proxy .*: nothing listens on/);
});

test.run();
