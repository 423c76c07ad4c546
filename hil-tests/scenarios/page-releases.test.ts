// @long
// @time-limit 240 s
// A release on its way to a gateway, as the operator steers it on the page; across a restart of the cloud in the middle.
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { UpdateMessage, UpdatingMessage } from '@loadline/sdk/contract';
import { writeManifest } from '@loadline/sdk/release';
import type { MqttClient } from 'mqtt';
import type { Browser, Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../rig/index.ts';
import { needs } from '../runner/debian.ts';
import { connectGateway, enrolIdentity, type GatewayIdentity } from '../system/mqtt-gateway.ts';
import { openBrowser, patience, see } from './browser.ts';
import { ReleaseManager } from './release-manager.ts';
import { type TemporaryCloud, temporaryCloud } from './temporary-cloud.ts';

const test = suite('page, releases');

const installed = await needs('chromium');
if (installed !== true) console.log(`skipped: releases in a browser: ${installed}`);
const inBrowser = installed === true ? test : test.skip;

const id = 'mast-1';
const target = 'linux-arm64';
let temporary: TemporaryCloud;
let browser: Browser;
let page: Page;
let complaints: readonly string[] = [];
let identity: GatewayIdentity;
let gateway: MqttClient;
/** What it heard, the last last. */
let heard: UpdateMessage['offer'][] = [];

const button = (name: string) => page.getByRole('button', { name, exact: true });
const press = (name: string) => page.getByRole('dialog').getByRole('button', { name, exact: true }).click();

test.before(async () => {
  if (installed !== true) return;
  temporary = await temporaryCloud();
  ({ browser, page, complaints } = await openBrowser());
});
test.after(async () => {
  if (installed !== true) return;
  await gateway?.endAsync(true);
  await browser.close();
  await temporary.end();
});

/** A release as it is built, of one small file. */
async function built(version: string): Promise<string> {
  const folder = join(temporary.folder, version);
  await mkdir(join(folder, 'blobs'), { recursive: true });
  const bytes = Buffer.from(`the runtime of ${version}`);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const one = { length: bytes.length, sha256 };
  await writeFile(join(folder, 'blobs', sha256), bytes);
  await writeFile(
    join(folder, 'manifest.json'),
    writeManifest({
      ...{ format: 1, product: 'loadline-gateway', version, target, commit: 'c0'.repeat(20), committed: 1 },
      ...{ node: '24.11.1', healthSeconds: 600, launcher: 1 },
      files: [{ path: 'gateway.mjs', executable: false, ...one, packed: one }],
    }),
  );
  return folder;
}

async function connect(): Promise<void> {
  gateway = await connectGateway(temporary.cloud.mqttPort, identity);
  gateway.on('message', (topic, payload) => {
    if (topic === `v1/gw/${id}/update`) heard.push((JSON.parse(String(payload)) as UpdateMessage).offer);
  });
  await gateway.subscribeAsync(`v1/gw/${id}/update`, { qos: 1 });
}

async function say(offer: string | null, progress: UpdatingMessage['progress'], release = '1.0.0') {
  const message: UpdatingMessage = { version: 1, running: { release, slot: 'a', target }, offer, progress };
  await gateway.publishAsync(`v1/gw/${id}/updating`, JSON.stringify(message), { qos: 1 });
}

async function logIn(): Promise<void> {
  const { url, login } = temporary.cloud;
  await page.goto(url);
  await page.getByLabel('E-mail').fill(login.email);
  await page.getByLabel('Password').fill(login.password);
  await button('Log in').click();
  await see(page.getByRole('link', { name: 'Devices', exact: true }));
}

const offered = (release: string | null) =>
  until(() => heard.length > 0 && (heard.at(-1)?.release ?? null) === release, {
    limitMs: patience,
    what: `an offer of ${release}`,
  });
/** What the page's row of the rollout says. */
const rowSays = (words: string) =>
  until(
    async () =>
      (await page.getByRole('row').filter({ hasText: '1.1.0' }).allTextContents()).join(' ').includes(words),
    {
      limitMs: patience,
      what: `a row that says ${words}`,
    },
  );

inBrowser(
  'an operator rolls a release out, and sees a gateway take it, across a restart of the cloud',
  async () => {
    const manager = await ReleaseManager.appoint(temporary.cloud);
    await manager.publish([{ folder: await built('1.1.0'), version: '1.1.0' }]);
    identity = await enrolIdentity(temporary.cloud, id);
    await connect();
    await say(null, { state: 'idle' });
    await offered(null);

    await logIn();
    await page.goto(`${temporary.cloud.url}/#/fleet/releases`);
    await see(page.getByText('Nothing has been rolled out yet.'));
    await see(page.getByRole('table', { name: 'Releases' }).getByText('1.1.0'));
    await button('New rollout').click();
    await page.getByRole('dialog').getByLabel('For', { exact: true }).selectOption('all');
    await press('Begin');
    await rowSays('0 of 1');
    await offered('1.1.0');
    const first = heard.at(-1)?.id ?? '';
    await say(first, { state: 'rolled-back', detail: 'no frames came' });
    await rowSays('1 went back');
    await button('What went wrong').click();
    const wrong = page.getByRole('dialog').getByRole('table', { name: 'What went wrong' });
    await see(wrong.getByText('rolled-back: no frames came'));
    await see(wrong.getByText('first', { exact: true }));
    await press('Close');
    await button('Try again').click();
    await press('Try again');
    await until(() => (heard.at(-1)?.id ?? first) !== first, { limitMs: patience, what: 'another offer' });
    const offer = heard.at(-1)?.id ?? '';
    await say(offer, { state: 'downloading', done: 4000, total: 10_000 });

    await button('Pause').click();
    await offered(null);
    await rowSays('paused');
    await temporary.restart(() => {});
    heard = [];
    await connect();
    await say(null, { state: 'idle' });
    await offered(null);
    // The session is the cloud's, and not of a port.
    await page.goto(`${temporary.cloud.url}/#/fleet/releases`);
    await button('Resume').click();
    await offered('1.1.0');
    assert.is(heard.at(-1)?.id, offer, 'the same wish has the same id');
    await say(offer, { state: 'trying', secondsLeft: 300 }, '1.1.0');
    await say(offer, { state: 'confirmed' }, '1.1.0');
    await rowSays('1 of 1');

    await page.goto(`${temporary.cloud.url}/#/o/first/devices/${id}`);
    await see(page.getByText('confirmed').first());
    await see(page.getByRole('table', { name: 'Offers' }).getByText('1.1.0'));
    await button('Make it a canary').click();
    await see(page.getByText('It is a canary'));
    await button('Pin').click();
    await press('Pin');
    await see(page.getByText('It is pinned to 1.1.0.'));

    await page.goto(`${temporary.cloud.url}/#/fleet/releases`);
    await button('Halt').click();
    await page.getByRole('dialog').getByLabel('Why').fill('a hole was found');
    await press('Halt');
    await rowSays('a hole was found');
    assert.equal(
      // Before the login the page asks who is there, and while the cloud was away how its rollouts go.
      complaints.filter((one) => !/ 401 .*api\/v1\/session|ERR_CONNECTION_REFUSED/.test(one)),
      [],
    );
  },
);

test.run();
