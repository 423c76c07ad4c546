// @long
// A device without a radio, taken in by its owner at the page: what it proves itself by, its readings, its switch.
// @time-limit 300 s
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Mails } from '../inhabited/mails.ts';
import { newPassword } from '../inhabited/person.ts';
import { until } from '../rig/index.ts';
import { needs } from '../runner/debian.ts';
import { openBrowser, patience, see } from './browser.ts';
import { run } from './program.ts';
import { type TemporaryCloud, temporaryCloud } from './temporary-cloud.ts';

const test = suite('page, devices');

const browserInstalled = await needs('chromium');
const installed = browserInstalled === true ? await needs('curl') : browserInstalled;
if (installed !== true) console.log(`skipped: devices in a browser: ${installed}`);
const inBrowser = installed === true ? test : test.skip;

let temporary: TemporaryCloud;
let browser: Browser;
let page: Page;
let complaints: readonly string[] = [];
/** The line that the page showed beside the token, and the one beside the token that took its place. */
let firstLine: string;
let secondLine: string;

const button = (name: string) => page.getByRole('button', { name, exact: true });
const dialog = () => page.getByRole('dialog');
const press = (name: string) => dialog().getByRole('button', { name, exact: true }).click();
const row = (text: string): Locator => page.getByRole('row').filter({ hasText: text });

async function logIn(email: string, password: string): Promise<void> {
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password').fill(password);
  await button('Log in').click();
}

async function goTo(view: string): Promise<void> {
  await page.getByRole('link', { name: view, exact: true }).click();
}

/** Makes a token by the form that is open, and reads the line that delivers by it. */
async function makeToken(name: string): Promise<string> {
  await button('New credential').click();
  await dialog().getByLabel('Name').fill(name);
  await press('Create');
  await see(dialog().getByRole('heading', { name: `Credential ${name}` }));
  const [token = '', line = ''] = await dialog().locator('.secret code').allTextContents();
  temporary.cloud.service.watchFor(token, `the token ${name}`);
  assert.match(line, token);
  return line;
}

/** Runs a line as it was shown, but with other readings; where `authority.pem` is, as it says. */
async function deliver(line: string, body: string): Promise<Record<string, unknown>> {
  assert.match(line, `'{"temp": 21.5}'`);
  const script = `cd '${temporary.folder}' && ${line.replace('{"temp": 21.5}', body)}`;
  const { stdout, stderr } = await run('sh', ['-c', script]);
  assert.ok(stdout.startsWith('{'), stderr);
  return JSON.parse(stdout) as Record<string, unknown>;
}

test.before(async () => {
  if (installed !== true) return;
  temporary = await temporaryCloud();
  writeFileSync(join(temporary.folder, 'authority.pem'), temporary.cloud.authorityPem);
  ({ browser, page, complaints } = await openBrowser());
  await page.goto(temporary.cloud.url);
  await logIn(temporary.cloud.login.email, temporary.cloud.login.password);
});

test.after(async () => {
  if (installed !== true) return;
  await browser.close();
  await temporary.end();
});

inBrowser('a device of software is made, and its page is there to give it a token', async () => {
  await goTo('Devices');
  await button('New device').click();
  await dialog().getByLabel('Kind').selectOption('software');
  await dialog().getByLabel('Id').fill('logger-1');
  await dialog().getByLabel('Name').fill('Cold store');
  await press('Create');
  await see(page.getByRole('heading', { name: 'Cold store' }));
  firstLine = await makeToken('first');
});

inBrowser(
  'the line that is shown with the token delivers as it is; then the token is shown no more',
  async () => {
    assert.equal(await deliver(firstLine, '{"temp": 21.5}'), { stored: 1, duplicate: 0 });
    await press('I have kept it');
    await see(row('Token for HTTPS'));
    const token = /lld_[\w-]+/.exec(firstLine)?.[0] ?? '?';
    assert.not.match(await page.content(), token);
    await page.reload();
    await see(row('Token for HTTPS'));
    assert.not.match(await page.content(), token);
  },
);

inBrowser('its value is on the dashboard by its name alone, and moves with each delivery', async () => {
  await goTo('Dashboard');
  await see(page.getByText('live', { exact: true }));
  const value = row('temp').locator('.value');
  await see(value);
  assert.is(await value.textContent(), '21.500');
  assert.is(await row('temp').locator('.tag').count(), 0);
  await deliver(firstLine, '{"temp": 22.25}');
  await until(async () => (await value.textContent()) === '22.250', {
    limitMs: patience,
    what: 'the value that was delivered',
  });
});

inBrowser('the plotted range is downloaded as CSV, under the name of the series', async () => {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'CSV of temp' }).click(),
  ]);
  assert.is(download.suggestedFilename(), 'logger-1-temp.csv');
  const [head = '', ...lines] = readFileSync(await download.path(), 'utf8')
    .trimEnd()
    .split(/\r?\n/);
  const at = head.split(',').indexOf('value');
  assert.equal(
    lines.map((line) => Number(line.split(',')[at])),
    [21.5, 22.25],
  );
});

inBrowser('of a day it is told what was least and greatest', async () => {
  await page.getByText('By day, week or month').click();
  const today = page.getByRole('table', { name: 'temp by day' }).getByRole('row').nth(1);
  await see(today);
  assert.equal((await today.getByRole('cell').allTextContents()).slice(0, 4), [
    '21.500',
    '21.875',
    '22.250',
    '2',
  ]);
});

inBrowser('what is refused for good is there with its reason, as it came', async () => {
  assert.is((await deliver(firstLine, '{"temp": <b>21')).code, 'readings-malformed');
  await page.getByRole('link', { name: '1 deliveries rejected' }).click();
  await row('readings-malformed').getByRole('button', { name: 'Look' }).click();
  await see(dialog().getByText('Not JSON'));
  assert.is(await dialog().locator('pre').textContent(), '{"temp": <b>21');
  await press('Close');
  const sums = page.getByRole('table', { name: 'Sums' });
  const told = async (of: string) =>
    await sums.getByRole('row').filter({ hasText: of }).getByRole('cell').allTextContents();
  assert.equal(
    [await told('Received'), await told('Stored'), await told('Rejected')],
    [
      ['2', '3'],
      ['2', '2'],
      ['0', '1'],
    ],
  );
});

inBrowser('how long a series is kept is said of it alone', async () => {
  await row('temp').getByRole('button', { name: 'Keep…' }).click();
  await dialog().getByLabel('Days that its readings are kept').fill('30');
  await press('Save');
  await see(row('temp').getByText('for 30 days'));
});

inBrowser('a second token takes the place of the first when it is first used', async () => {
  secondLine = await makeToken('second');
  await press('I have kept it');
  await see(page.getByText('“first” ends at its first use'));
  assert.is((await deliver(firstLine, '{"temp": 1}')).stored, 1);
  assert.is((await deliver(secondLine, '{"temp": 2}')).stored, 1);
  assert.is((await deliver(firstLine, '{"temp": 3}')).code, 'unauthenticated');
});

inBrowser(
  'switched off, the device is refused, and the page says so; switched on, it delivers again',
  async () => {
    await button('Switch off').click();
    await press('Switch off');
    await see(page.getByText('switched off', { exact: true }));
    assert.is((await deliver(secondLine, '{"temp": 4}')).code, 'unauthenticated');
    await button('Switch on').click();
    await press('Switch on');
    await see(page.getByText('switched on', { exact: true }));
    assert.is((await deliver(secondLine, '{"temp": 5}')).stored, 1);
  },
);

inBrowser('a token that is revoked opens nothing, for good', async () => {
  await row('second').getByRole('button', { name: 'Revoke' }).click();
  await press('Revoke');
  await see(row('second').getByText('revoked'));
  assert.is(await row('second').getByRole('button').count(), 0);
  assert.is((await deliver(secondLine, '{"temp": 6}')).code, 'unauthenticated');
});

inBrowser('what was used is told by device, and there to take along', async () => {
  await goTo('Usage');
  await page.getByLabel('By', { exact: true }).selectOption('device');
  await see(page.getByRole('table', { name: 'Usage' }).getByRole('row').filter({ hasText: 'Cold store' }));
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Download CSV' }).click(),
  ]);
  assert.match(readFileSync(await download.path(), 'utf8'), /,device,logger-1,/);
  await see(page.getByRole('table', { name: 'Limits' }));
});

inBrowser('who may only look is shown no way to change anything, and no credentials', async () => {
  const { cloud, state } = temporary;
  const [email, password] = ['vera@example.org', newPassword()];
  await cloud.organisation.createUser({
    body: { email, name: 'Vera', role: 'viewer', reach: 'organisation' },
  });
  const secret = await new Mails(state).link('invitation', email);
  await cloud.client.setPassword({ body: { secret, password } });
  await button('Log out').click();
  await logIn(email, password);
  await goTo('Devices');
  await page.getByRole('link', { name: 'Cold store' }).click();
  await see(page.getByRole('table', { name: 'Sums' }));
  await see(row('readings-malformed'));
  assert.equal(await page.getByRole('main').getByRole('heading', { level: 2 }).allTextContents(), [
    'Cold store logger-1',
    'Series',
    'Account',
    'Rejected deliveries',
  ]);
  assert.equal(await page.getByRole('main').getByRole('button').allTextContents(), ['Load anew', 'Look']);
  assert.is(await page.getByRole('link', { name: 'Usage' }).count(), 0);
});

inBrowser('the browser had nothing to complain of but the refusals that were asked for', () => {
  assert.equal(
    complaints.filter(
      (one) => !/^Failed to load resource: .* status of 401 .*\/api\/v1\/session\)$/.test(one),
    ),
    [],
  );
});

test.run();
