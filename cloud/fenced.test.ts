import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openAuthority } from './authority/index.ts';
import { openFenced } from './fenced.ts';
import { memoryKeys } from './keys/test-keys.ts';
import { Store } from './store/index.ts';

test('a fenced cloud tells who looks after the machine that it is not ready, and why', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'loadline-fenced-'));
  const store = await Store.open({ file: join(folder, 'loadline.db'), key: 'a5'.repeat(32) }, (reason) =>
    assert.unreachable(reason),
  );
  const authority = await openAuthority({
    folder: join(folder, 'authority'),
    keys: memoryKeys(),
    now: Date.now,
    log: async () => {},
  });
  const cloud = await openFenced({
    ...{ folder, store, authority, host: '127.0.0.1', httpsPort: 0, mqttPort: 0, fenced: 0 },
    identity: await authority.issueServer({ names: ['localhost'] }),
    operations: { host: '127.0.0.1', port: 0, toAnybody: false },
    log: { info() {}, warn() {}, error: (event) => assert.unreachable(event) },
    failed: new Promise(() => {}),
    leaveFolder: () => {},
  });
  const ask = (path: string) => fetch(`http://127.0.0.1:${cloud.operationsPort}${path}`);
  // An alert on what is not there would never sound.
  assert.match(await (await ask('/metrics')).text(), /^loadline_ready 0$/m);
  assert.equal(await (await ask('/readyz')).json(), { ready: false, reasons: ['fenced'] });
  // A gateway that asks for releases with its certificate, and so without ALPN, is told the same as everybody.
  const [answer] = await once(
    request({
      ...{ host: '127.0.0.1', port: cloud.httpsPort, path: '/update/v1/metadata/timestamp.json' },
      ...{ ca: cloud.authorityPem, servername: 'localhost', ALPNProtocols: [] },
    }).end(),
    'response',
  );
  assert.is(answer.statusCode, 503);
  assert.is(JSON.parse(await text(answer)).code, 'cloud-fenced');
  await cloud.close();
  rmSync(folder, { recursive: true });
});

test.run();
