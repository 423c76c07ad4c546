// @long
// A client that nobody here wrote: nc, at the socket door, by TCP and UDP; and openssl s_client for the same over TLS.
import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../rig/index.ts';
import { needs } from '../runner/debian.ts';
import { freeSocketPorts } from '../system/index.ts';
import { run, start } from './program.ts';
import { type Credentials, takeInSoftware } from './software-device.ts';
import { type TemporaryCloud, temporaryCloud } from './temporary-cloud.ts';

const found = await needs('nc', 'netcat-openbsd');
if (found !== true) console.log(`skipped: nc: ${found}`);
const openssl = await needs('openssl');
if (openssl !== true) console.log(`skipped: a line over TLS by openssl s_client: ${openssl}`);
const all = suite('nc');
const test = found === true ? all : all.skip;

const device = 'hut';

let temporary: TemporaryCloud;
let credentials: Credentials;
let stored = 0;

/** What comes back for these lines, line by line. */
async function nc(options: readonly string[], port: number, lines: string): Promise<string[]> {
  const child = start('nc', [...options, '127.0.0.1', String(port)], { input: lines, stays: true });
  const count = lines.split('\n').filter((line) => line !== '').length;
  await until(() => child.said().split('\n').length > count, {
    limitMs: 10_000,
    what: `${count} answers, of which there are: ${child.said()}`,
  }).catch(() => {});
  child.kill();
  return (await child.ended).stdout.trim().split('\n');
}

const tcp = (lines: string) => nc([], temporary.cloud.socketPorts.tcp, lines);
const udp = (lines: string) => nc(['-u'], temporary.cloud.socketPorts.udp, lines);

/** A signed line as sdk/socket/README.md has it, made without any of the project's code. */
function signed(counter: number, readings: string): string {
  const { id, secret } = credentials['socket-key'];
  const said = `LS1 ${id} ${counter} ${readings}`;
  const mac = createHmac('sha256', Buffer.from(secret, 'base64url')).update(said).digest().subarray(0, 12);
  return `${said} ${mac.toString('base64url')}\n`;
}

async function allow(sockets: 'off' | 'tls' | 'signed' | 'all'): Promise<void> {
  await temporary.cloud.organisation.patchOrganisation({ body: { sockets } });
}

async function assertStored(): Promise<void> {
  const { readings } = await temporary.cloud.organisation.getLedger({ device });
  assert.is(readings.stored, stored);
}

all.before(async () => {
  temporary = await temporaryCloud({ sockets: freeSocketPorts });
  credentials = await takeInSoftware(temporary.cloud, device);
});
all.after(() => temporary.end());

test('until the organisation says so nothing comes in by socket, and who tries is told no more than a stranger', async () => {
  const line = `LL1 ${credentials['socket-token'].secret} temp=21.5\n`;
  const [refused] = await tcp(line);
  assert.match(String(refused), /^ERR unauthenticated/);
  const [stranger] = await tcp(`LL1 ${'A'.repeat(43)} temp=21.5\n`);
  assert.is(refused, stranger);
  await assertStored();
});

test('a line with a token by TCP: when nc has its OK, its readings are stored', async () => {
  await allow('all');
  const { secret } = credentials['socket-token'];
  assert.equal(await tcp(`LL1 ${secret} temp=21.5 hum=40:%RH\n`), ['OK 2']);
  stored += 2;
  await assertStored();
  assert.equal(
    await tcp(`LL1 ${secret} #a temp=21.5\nLL1 ${secret} #a temp=21.5\nLL1 ${secret} door=true\n`),
    ['OK 1 #a', 'OK dup #a', 'OK 1'],
  );
  stored += 2;
  await assertStored();
});

test('signed lines by TCP and UDP, whose secret never crosses the wire; the same again is a duplicate', async () => {
  await allow('signed');
  const ok = (counter: number) => new RegExp(`^OK 1 #${counter} [A-Za-z0-9_-]{16}$`);
  assert.match(String((await tcp(signed(1, 'temp=22')))[0]), ok(1));
  assert.match(String((await udp(signed(2, 'temp=22.5')))[0]), ok(2));
  assert.match(String((await udp(signed(2, 'temp=22.5')))[0]), /^OK dup #2 /);
  stored += 2;
  await assertStored();
  // With a token it would be there for all to see.
  assert.match(
    String((await tcp(`LL1 ${credentials['socket-token'].secret} temp=1\n`))[0]),
    /^ERR unauthenticated/,
  );
  assert.match(String((await tcp(signed(1, 'temp=99')))[0]), /^ERR delivery-differs/);
  assert.match(
    String((await tcp(signed(7, 'temp=22').replace('temp=22', 'temp=23')))[0]),
    /^ERR unauthenticated/,
  );
  await assertStored();
});

test('a datagram that is nobody’s gets no answer, or none longer than itself', async () => {
  for (const sent of ['x', 'GET / HTTP/1.1\r\n\r\n', signed(8, 'temp=1').replace(/.{4}\n$/, 'AAAA\n')]) {
    const child = start('nc', ['-u', '-w', '1', '127.0.0.1', String(temporary.cloud.socketPorts.udp)], {
      input: sent,
    });
    const { stdout } = await child.ended;
    assert.ok(stdout.length <= sent.length, `${stdout.length} bytes for ${sent.length}`);
  }
  await assertStored();
});

(openssl === true ? test : all.skip)('over TLS, by openssl s_client', async () => {
  await allow('tls');
  const authority = join(temporary.folder, 'authority.pem');
  writeFileSync(authority, temporary.cloud.authorityPem);
  const to = [
    '-quiet',
    '-no_ign_eof',
    '-connect',
    `localhost:${temporary.cloud.socketPorts.tls}`,
    '-CAfile',
    authority,
  ];
  const child = start('openssl', ['s_client', ...to, '-verify_return_error'], {
    input: `LL1 ${credentials['socket-token'].secret} temp=21.5\n`,
    stays: true,
  });
  await until(() => /^(OK|ERR)/m.test(child.said()), { limitMs: 10_000, what: 'an answer' });
  child.kill();
  assert.match((await child.ended).stdout, /^OK 1$/m);
  stored += 1;
  await assertStored();
  assert.match(String((await tcp(signed(9, 'temp=22')))[0]), /^ERR unauthenticated/);
});

test('what is no line is told as such, and a line that does not end is cut', async () => {
  await allow('all');
  assert.match(String((await tcp('hello\n'))[0]), /^ERR line-malformed /);
  const { stdout } = await run(
    'nc',
    ['-N', '127.0.0.1', String(temporary.cloud.socketPorts.tcp)],
    'x'.repeat(100_000),
  );
  assert.match(stdout, /^ERR line-too-long/);
});

test('after all of it the account balances', async () => {
  const { deliveries, readings } = await temporary.cloud.organisation.getLedger({ device });
  assert.is(deliveries.received, deliveries.stored + deliveries.duplicate + deliveries.rejected);
  assert.equal([readings.stored, deliveries.duplicate], [stored, 2]);
});

all.run();
