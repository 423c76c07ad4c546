// @long
// Two gateways with one identity, as whoever opens the page sees it, and says that he has seen to it.
import { randomBytes } from 'node:crypto';
import type { Browser, Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../rig/index.ts';
import { needs } from '../runner/debian.ts';
import { connectGateway, enrolIdentity } from '../system/mqtt-gateway.ts';
import { batchMaker } from './batches.ts';
import { openBrowser, patience, see } from './browser.ts';
import { type TemporaryCloud, temporaryCloud } from './temporary-cloud.ts';

const test = suite('page, alarms');

const installed = await needs('chromium');
if (installed !== true) console.log(`skipped: alarms in a browser: ${installed}`);
const inBrowser = installed === true ? test : test.skip;

const id = 'mast-1';
let temporary: TemporaryCloud;
let browser: Browser;
let page: Page;
let complaints: readonly string[] = [];

test.before(async () => {
  if (installed !== true) return;
  temporary = await temporaryCloud();
  ({ browser, page, complaints } = await openBrowser());
});
test.after(async () => {
  if (installed !== true) return;
  await browser.close();
  await temporary.end();
});

inBrowser(
  'an alarm is there when the page is opened, with where from and what to do, until it is seen to',
  async () => {
    const { cloud } = temporary;
    const gateway = await connectGateway(cloud.mqttPort, await enrolIdentity(cloud, id));
    const parent = randomBytes(16).toString('hex');
    for (const batch of [batchMaker({ parent }), batchMaker({ parent })]) {
      await gateway.publishAsync(`v1/gw/${id}/telemetry`, Buffer.from(batch()), { qos: 1 });
    }
    await gateway.endAsync();

    await page.goto(cloud.url);
    await page.getByLabel('E-mail').fill(cloud.login.email);
    await page.getByLabel('Password').fill(cloud.login.password);
    await page.getByRole('button', { name: 'Log in', exact: true }).click();
    const alarm = page.getByRole('alert', { name: 'Alarms' });
    await see(alarm);
    const text = (await alarm.textContent()) ?? '';
    for (const piece of [id, 'two gateways show one identity', 'from 127.0.0.1', 'provision it anew']) {
      assert.ok(text.includes(piece), `${piece}: ${text}`);
    }
    await page.getByRole('button', { name: 'I have seen to it', exact: true }).click();
    await until(async () => (await alarm.count()) === 0, { limitMs: patience, what: 'no alarm any more' });
    const [kept] = (await cloud.organisation.listAlarms()).items;
    assert.is(kept?.seen?.by, cloud.login.email);
    // Before the login the page asks who is there.
    assert.equal(
      complaints.filter((one) => !/ 401 .*api\/v1\/session/.test(one)),
      [],
    );
  },
);

test.run();
