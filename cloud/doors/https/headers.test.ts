import type { IncomingHttpHeaders } from 'node:http';
import { request } from 'node:https';
import { connect } from 'node:tls';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Doors, openDoors } from '../test-doors.ts';

const test = suite<{ doors: Doors }>('what browsers are told');
test.before(async (context) => {
  context.doors = await openDoors();
});
test.after(({ doors }) => doors.close());

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
}

/** Answers as they are: the head of one request. */
function ask(
  { https, authorityPem }: Doors,
  path: string,
  { method = 'GET', headers = {} }: { method?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const where = {
      host: 'localhost',
      port: https.port,
      ca: authorityPem,
      agent: false as const,
      servername: 'localhost',
    };
    const sent = request({ ...where, path, method, headers }, (answer) => {
      resolve({ status: answer.statusCode ?? 0, headers: answer.headers });
      answer.destroy();
    });
    sent.once('error', reject);
    sent.end(headers['content-type'] === undefined ? undefined : '{}');
  });
}

/** The cookie of a login of its own. */
async function logIn(doors: Doors): Promise<string> {
  const { https, authorityPem, login } = doors;
  const body = JSON.stringify(login);
  const cookies = await new Promise<string[]>((resolve, reject) => {
    const sent = request(
      {
        ...{ host: 'localhost', port: https.port, ca: authorityPem, agent: false },
        path: '/api/v1/session',
        method: 'POST',
        headers: { 'content-type': 'application/json' },
      },
      (answer) => {
        resolve(answer.headers['set-cookie'] ?? []);
        answer.resume();
      },
    );
    sent.once('error', reject);
    sent.end(body);
  });
  for (const cookie of cookies) {
    assert.match(cookie, /^__Host-/);
    for (const attribute of ['Path=/', 'Secure', 'HttpOnly', 'SameSite=Strict']) {
      assert.ok(cookie.split('; ').includes(attribute), `${attribute} of ${cookie.split('=')[0]}`);
    }
    assert.not.match(cookie, /domain=/i);
  }
  return cookies.map((one) => one.split(';')[0]).join('; ');
}

const policyOf = (headers: IncomingHttpHeaders) => String(headers['content-security-policy']).split(';');

const organisation = '/api/v1/organisations/first';

test('every answer says what it is no more than', async ({ doors }) => {
  const cookie = await logIn(doors);
  const answers = [
    [await ask(doors, '/'), 200],
    [await ask(doors, '/nothing-here'), 404],
    [await ask(doors, '/api/v1/nothing-here'), 404],
    [await ask(doors, '/api/v1/%zz'), 400],
    [await ask(doors, `${organisation}/devices`), 401],
    [await ask(doors, '/api/v1/openapi.json'), 200],
    [await ask(doors, `${organisation}/devices`, { headers: { cookie } }), 200],
    [await ask(doors, `${organisation}/live`, { headers: { cookie } }), 200],
    [await ask(doors, `${organisation}/audit/export`, { headers: { cookie } }), 200],
    [await ask(doors, '/.well-known/est/cacerts'), 200],
  ] as const;
  for (const [{ status, headers }, expected] of answers) {
    assert.is(status, expected);
    assert.is(headers['x-content-type-options'], 'nosniff');
    const policy = policyOf(headers);
    for (const one of [
      "default-src 'none'",
      "object-src 'none'",
      "base-uri 'none'",
      "frame-ancestors 'none'",
    ]) {
      assert.ok(policy.includes(one), `${one}: ${policy}`);
    }
    assert.is(headers['access-control-allow-origin'], undefined);
    assert.ok(headers['content-type'], 'a body without a type');
    assert.is(headers.server, undefined);
    assert.is(headers['x-powered-by'], undefined);
  }
});

test('what is no page runs nothing where it is opened as one; the page runs its own scripts', async ({
  doors,
}) => {
  const page = (await ask(doors, '/')).headers;
  assert.ok(policyOf(page).includes("script-src 'self'"));
  assert.not.match(policyOf(page).join(), 'unsafe');
  assert.is(page['cross-origin-opener-policy'], 'same-origin');
  assert.is(page['cross-origin-resource-policy'], 'same-origin');
  assert.is(page['referrer-policy'], 'no-referrer');
  const data = (await ask(doors, '/api/v1/openapi.json')).headers;
  assert.ok(policyOf(data).includes('sandbox'));
  assert.is(data['cross-origin-resource-policy'], 'same-origin');
});

test('what is a file is saved as one, under a name that the cloud chose', async ({ doors }) => {
  const cookie = await logIn(doors);
  const { headers } = await ask(doors, `${organisation}/audit/export`, { headers: { cookie } });
  assert.is(headers['content-disposition'], 'attachment; filename="audit-first.ndjson"');
});

test('nothing of the API is kept by a browser or on the way', async ({ doors }) => {
  const cookie = await logIn(doors);
  for (const path of ['/devices', '/live', '/audit', '/nothing-here']) {
    const { headers } = await ask(doors, `${organisation}${path}`, { headers: { cookie } });
    assert.is(headers['cache-control'], 'no-store', path);
  }
  assert.is((await ask(doors, '/api/v1/session')).headers['cache-control'], 'no-store');
});

test('browsers are held to TLS at a name of its own, and not at localhost, an address or a local name', async ({
  doors,
}) => {
  const told = async (host: string, path = '/') =>
    (await ask(doors, path, { headers: { host } })).headers['strict-transport-security'];
  const year = 'max-age=31536000; includeSubDomains';
  assert.is(await told('cloud.example.org'), year);
  assert.is(await told('Cloud.Example.Org.:8443', '/api/v1/nothing-here'), year);
  for (const host of ['localhost:8443', '192.0.2.7', '[2001:db8::1]:8443', 'mast.local', 'mast']) {
    assert.is(await told(host), undefined, host);
  }
});

test('who is to prove himself is told how, and what was wrong with his token', async ({ doors }) => {
  const bare = await ask(doors, `${organisation}/devices`);
  assert.is(bare.headers['www-authenticate'], 'Bearer');
  const authorization = 'Bearer made.up';
  const wrong = await ask(doors, `${organisation}/devices`, { headers: { authorization } });
  assert.is(wrong.status, 401);
  assert.is(wrong.headers['www-authenticate'], 'Bearer error="invalid_token"');
  const enrolment = await ask(doors, '/.well-known/est/simpleenroll', { method: 'POST' });
  assert.is(enrolment.headers['www-authenticate'], 'Basic realm="enrolment"');
});

test('the methods nobody serves are not there', async ({ doors }) => {
  for (const method of ['TRACE', 'OPTIONS', 'PUT']) {
    const { status, headers } = await ask(doors, '/', { method });
    assert.is(status, 404, method);
    assert.is(headers.allow, undefined);
  }
});

test('what is not there is not asked for without limit either', async ({ doors }) => {
  const { headers } = await ask(doors, '/nothing-here');
  assert.is(headers['x-ratelimit-limit'], '1200');
});

test('what is no request is refused with the same care', async ({ doors }) => {
  const { https, authorityPem } = doors;
  const text = await new Promise<string>((resolve, reject) => {
    let all = '';
    const socket = connect({ host: 'localhost', port: https.port, ca: authorityPem }, () => {
      socket.write('NONSENSE\r\n\r\n');
    });
    socket.on('data', (some) => {
      all += String(some);
    });
    socket.once('close', () => resolve(all));
    socket.once('error', reject);
  });
  assert.match(text, /^HTTP\/1\.1 400 /);
  assert.match(text, /\r\nX-Content-Type-Options: nosniff\r\n/);
  assert.match(text, /\r\nCache-Control: no-store\r\n/);
  assert.match(text, /\r\nContent-Security-Policy: default-src 'none';/);
});

test.run();
