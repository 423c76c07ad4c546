// @long
// The page in a browser, as a person meets it: login, sensors, values that move, the plot, log-out.
// @time-limit 300 s
import type { Browser, Locator, Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until, VirtualBaseStation, VirtualRadio, windTransmitter } from '../rig/index.ts';
import { needs } from '../runner/debian.ts';
import { openBrowser, patience, see } from './browser.ts';
import { Counter } from './counter.ts';
import { Site } from './site.ts';

const test = suite('page');

const installed = await needs('chromium');
if (installed !== true) console.log(`skipped: the page in a browser: ${installed}`);
const inBrowser = installed === true ? test : test.skip;

const unconfigured = 0x4c21;

let site: Site;
let radio: VirtualRadio;
let browser: Browser;
let page: Page;
/** What the browser complained of. */
let complaints: readonly string[] = [];

function row(name: string): Locator {
  return page.getByRole('row').filter({ hasText: name });
}

async function shownValue(name: string): Promise<string> {
  return (await row(name).locator('.value').textContent()) ?? '';
}

async function logIn(password: string): Promise<void> {
  await page.getByLabel('E-mail').fill(site.cloud.login.email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
}

/** Pixels of the plot that have the colour of its first line. */
async function linePixels(): Promise<number> {
  return await page.evaluate(() => {
    const canvas = document.querySelector<HTMLCanvasElement>('.plot-canvas canvas');
    const context = canvas?.getContext('2d');
    if (!canvas || !context || canvas.width === 0 || canvas.height === 0) return 0;
    const sample = document.createElement('canvas').getContext('2d');
    if (sample === null) return 0;
    sample.fillStyle = getComputedStyle(canvas).getPropertyValue('--line-1').trim();
    sample.fillRect(0, 0, 1, 1);
    const [red = 0, green = 0, blue = 0] = sample.getImageData(0, 0, 1, 1).data;
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let at = 0; at < data.length; at += 4) {
      const near = (channel: number, wanted: number) => Math.abs((data[at + channel] ?? 0) - wanted) < 8;
      if ((data[at + 3] ?? 0) > 200 && near(0, red) && near(1, green) && near(2, blue)) count++;
    }
    return count;
  });
}

test.before(async () => {
  if (installed !== true) return;
  site = await Site.open({
    sections: {
      sensors: [
        { tag: '25DF', name: 'Wind, moving average', unit: 'm/s', interval_seconds: 0.1, simulated: true },
        { tag: '25E0', name: 'Wind, gust', unit: 'm/s', interval_seconds: 0.1, simulated: true },
      ],
    },
  });
  await new Counter(site.port, unconfigured).send(12);
  radio = new VirtualRadio(new VirtualBaseStation(site.port), [
    windTransmitter({ tag: 0x25df, intervalMs: 100 }),
  ]);
  radio.start();
  await site.accountWhere('readings are stored', ({ stored }) => stored > 20);
  ({ browser, page, complaints } = await openBrowser());
});

test.after(async () => {
  if (installed !== true) return;
  await browser.close();
  radio.stop();
  await site.close();
});

inBrowser('without a session there is a login, and a wrong password is told', async () => {
  await page.goto(site.cloud.url);
  await logIn('not the password');
  await see(page.getByRole('alert').filter({ hasText: 'E-mail and password do not fit each other.' }));
  assert.is(await page.getByRole('table').count(), 0);
});

inBrowser('with the generated password come the sensors, their units and values', async () => {
  await logIn(site.cloud.login.password);
  for (const name of ['Wind, moving average', 'Wind, gust']) {
    await see(row(name));
    assert.match(await shownValue(name), /^\d+\.\d+\s*m\/s$/);
  }
  await see(row('4C21'));
  assert.is(await shownValue('4C21'), '11');
  await see(page.getByText('connected', { exact: true }));
});

inBrowser('what is simulated says so, and nothing else does', async () => {
  const simulated = async (name: string) => await row(name).getByText('SIMULATED').count();
  assert.equal(
    [await simulated('Wind, moving average'), await simulated('Wind, gust'), await simulated('4C21')],
    [1, 1, 0],
  );
});

inBrowser('a value changes by itself', async () => {
  await see(page.getByText('live', { exact: true }));
  const before = await shownValue('Wind, gust');
  const moving = 'Wind, moving average';
  const first = await shownValue(moving);
  await until(
    async () => (await shownValue(moving)) !== first || (await shownValue('Wind, gust')) !== before,
    {
      limitMs: patience,
      what: 'a live value that changes',
    },
  );
});

inBrowser('the plot draws the line of the first sensor, and it grows', async () => {
  await page.getByText('1 min', { exact: true }).click();
  const drawn = await until(linePixels, { limitMs: patience, what: 'a line in the plot' });
  await until(async () => (await linePixels()) > drawn, { limitMs: patience, what: 'a line that grows' });
});

inBrowser('the account adds up', async () => {
  const account = page.locator('.account').filter({ hasText: 'readings received' });
  await see(account);
  const told = (await account.textContent()) ?? '';
  assert.match(told, /0 duplicate\s*\+\s*0 rejected/);
  assert.not.match(told, 'does not add up');
});

inBrowser('after logging out there is the login again, also when the page is loaded anew', async () => {
  await page.getByRole('button', { name: 'Log out' }).click();
  await see(page.getByLabel('Password'));
  await page.reload();
  await see(page.getByLabel('Password'));
  assert.is(await page.getByRole('table').count(), 0);
});

inBrowser('the browser had nothing to complain of but the refusals that were asked for', () => {
  const session = `${site.cloud.url}/api/v1/session`;
  const refused = 'Failed to load resource: the server responded with a status of 401';
  assert.equal(
    complaints.filter((one) => !(one.startsWith(refused) && one.endsWith(`(${session})`))),
    [],
  );
});

test.run();
