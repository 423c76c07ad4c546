// @long
// The page as somebody meets it who is taken in: a link from a mail, a password, a second factor, an API token.
// @time-limit 300 s
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudClient } from '@loadline/sdk/client';
import type { Browser, Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Mails } from '../inhabited/mails.ts';
import { codeAt, wrongCode } from '../inhabited/person.ts';
import { until } from '../rig/index.ts';
import { needs } from '../runner/debian.ts';
import { CloudProcess } from '../system/index.ts';
import { openBrowser, see } from './browser.ts';

const test = suite('page, accounts');

const installed = await needs('chromium');
if (installed !== true) console.log(`skipped: accounts in a browser: ${installed}`);
const inBrowser = installed === true ? test : test.skip;

const ada = { email: 'ada@example.org', name: 'Ada Lovelace' };

let folder: string;
let cloud: CloudProcess;
let mails: Mails;
let browser: Browser;
let page: Page;
let complaints: readonly string[] = [];
/** Secret of the link in Ada's invitation, the password that the page makes her, and her authenticator's secret. */
let invitation: string;
let password: string;
let factor: string;
let recoveryCodes: readonly string[];

const button = (name: string) => page.getByRole('button', { name, exact: true });
/** The dialog that is open. */
const dialog = () => page.getByRole('dialog');
const press = (name: string) => dialog().getByRole('button', { name, exact: true }).click();

async function logIn(): Promise<void> {
  await page.getByLabel('E-mail').fill(ada.email);
  await page.getByLabel('Password').fill(password);
  await button('Log in').click();
}

async function goTo(view: string): Promise<void> {
  await page.getByRole('link', { name: view, exact: true }).click();
  await see(page.getByRole('heading', { level: 2, name: view }));
}

/** What is told when something is refused. */
async function refusal(words: string): Promise<void> {
  await see(page.getByRole('alert').filter({ hasText: words }));
}

test.before(async () => {
  if (installed !== true) return;
  folder = await mkdtemp(join(tmpdir(), 'loadline-accounts-'));
  const state = join(folder, 'cloud');
  cloud = await CloudProcess.start({ state });
  mails = new Mails(state);
  await cloud.organisation.createUser({ body: { ...ada, role: 'administrator', reach: 'organisation' } });
  invitation = await mails.link('invitation', ada.email);
  ({ browser, page, complaints } = await openBrowser());
});

test.after(async () => {
  if (installed !== true) return;
  await browser.close();
  await cloud.service.stop();
  await rm(folder, { recursive: true });
});

inBrowser(
  'the link of an invitation says whom it is for, and its secret is gone from the address',
  async () => {
    await page.goto(`${cloud.url}/#set-password=${invitation}`);
    await see(page.getByText(ada.email));
    assert.is(page.url(), `${cloud.url}/`);
    assert.not.match(await page.content(), invitation);
  },
);

inBrowser('a password that is soon guessed is refused with its reason', async () => {
  await page.getByLabel('New password').fill('aaaaaaaaaaaaaaaaaaaa');
  await button('Set password').click();
  await refusal('it is made of a repetition');
});

inBrowser('a generated password is shown, 32 characters long, and taken', async () => {
  await button('Generate').click();
  password = await page.getByLabel('New password').inputValue();
  assert.match(password, /^[\w-]{32}$/);
  assert.is(await page.getByLabel('New password').getAttribute('autocomplete'), 'new-password');
  await button('Set password').click();
  await refusal('Your password is set');
});

inBrowser('the link is good once', async () => {
  await page.goto(`${cloud.url}/#set-password=${invitation}`);
  await refusal('This link is wrong, used up, or too old');
  assert.is(await page.getByLabel('New password').count(), 0);
  await button('To the login').click();
});

inBrowser('with that password she is in, and finds her profile', async () => {
  await logIn();
  await see(page.getByText('No readings yet'));
  await page.getByRole('link', { name: ada.name }).click();
  await see(page.getByRole('heading', { name: 'Second factor' }));
});

inBrowser('a second factor is enabled by a right code of what the page shows, and by no other', async () => {
  await button('Enable').click();
  await page.getByLabel('Your password').fill(password);
  await press('Continue');
  await see(dialog().getByRole('img', { name: 'QR code' }));
  factor = ((await dialog().locator('.secret code').textContent()) ?? '').replaceAll(' ', '');
  await dialog().getByLabel('Code', { exact: true }).fill(wrongCode(factor));
  await press('Enable');
  await refusal('This code is wrong');
  await dialog().getByLabel('Code', { exact: true }).fill(codeAt(factor, 0));
  await press('Enable');
  await see(dialog().getByRole('heading', { name: 'Your recovery codes' }));
  recoveryCodes = ((await dialog().locator('.secret code').textContent()) ?? '').split('\n');
  assert.is(new Set(recoveryCodes).size, 10);
});

inBrowser('what is shown once does not go by a slip, and then is gone', async () => {
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
  await see(dialog());
  await press('I have kept it');
  await see(page.getByText('Enabled: besides your password'));
  assert.not.match(await page.content(), recoveryCodes[0] ?? '?');
});

inBrowser('from then on a login asks for the second factor, and refuses a wrong one', async () => {
  await button('Log out').click();
  await logIn();
  await see(page.getByRole('heading', { name: 'One more step' }));
  await page.reload();
  await see(page.getByRole('heading', { name: 'One more step' }));
  await page.getByLabel('Code', { exact: true }).fill(wrongCode(factor));
  await button('Continue').click();
  await refusal('This code is wrong');
  await page.getByLabel('Code', { exact: true }).fill(codeAt(factor, 1));
  await button('Continue').click();
  await see(page.getByText('No readings yet'));
});

inBrowser('a recovery code stands for a code of the authenticator, once', async () => {
  await button('Log out').click();
  await logIn();
  await page.getByLabel('Code', { exact: true }).fill(recoveryCodes[0] ?? '');
  await button('Continue').click();
  await see(page.getByText('No readings yet'));
  await button('Log out').click();
  await logIn();
  await page.getByLabel('Code', { exact: true }).fill(recoveryCodes[0] ?? '');
  await button('Continue').click();
  await refusal('This code is wrong');
  await page.getByLabel('Code', { exact: true }).fill(recoveryCodes[1] ?? '');
  await button('Continue').click();
  await see(page.getByText('No readings yet'));
});

inBrowser('a token that she makes reads and does not write, and is shown once', async () => {
  await goTo('API tokens');
  await button('New token').click();
  await dialog().getByLabel('Name').fill('Evening report');
  await press('Create');
  await see(dialog().getByRole('heading', { name: 'API token Evening report' }));
  const token = (await dialog().locator('.secret code').textContent()) ?? '';
  await press('I have kept it');
  const row = page.getByRole('row').filter({ hasText: 'Evening report' });
  await see(row);
  assert.not.match(await page.content(), token);

  const program = new CloudClient({ url: cloud.url, authorityPem: cloud.authorityPem, token });
  const { organisation } = cloud;
  await program.listDevices({ organisation: organisation.id });
  const refused = async (call: Promise<unknown>) =>
    await call.then(
      () => 'done',
      (error: { code?: string }) => error.code,
    );
  const create = program.createDepartment({ organisation: organisation.id, body: { name: 'Masts' } });
  assert.is(await refused(create), 'forbidden');

  await row.getByRole('button', { name: 'Revoke' }).click();
  await press('Revoke');
  await see(row.getByText('revoked'));
  await until(
    async () => (await refused(program.listDevices({ organisation: organisation.id }))) === 'unauthenticated',
    { limitMs: 2_000, what: 'a token that opens nothing' },
  );
});

inBrowser('who is taken in from the page gets a mail, and sees no more than the role shows', async () => {
  const viewer = { email: 'bob@example.org', name: 'Bob' };
  await goTo('People');
  await button('Take somebody in').click();
  await dialog().getByLabel('E-mail').fill(viewer.email);
  await dialog().getByLabel('Name').fill(viewer.name);
  await dialog().getByLabel('Role').selectOption('dashboards-only');
  await press('Take in');
  await see(page.getByRole('row').filter({ hasText: viewer.email }));
  await button('Log out').click();
  await see(page.getByLabel('Password'));

  const secret = await mails.link('invitation', viewer.email);
  await page.goto(`${cloud.url}/#set-password=${secret}`);
  await button('Generate').click();
  const theirs = await page.getByLabel('New password').inputValue();
  await button('Set password').click();
  await page.getByLabel('E-mail').fill(viewer.email);
  await page.getByLabel('Password').fill(theirs);
  await button('Log in').click();
  await see(page.getByText('No readings yet'));
  assert.is(await page.getByRole('navigation').count(), 0);
  await page.goto(`${cloud.url}/#/o/${cloud.organisation.id}/people`);
  await see(page.getByRole('heading', { name: 'Nothing here' }));
});

inBrowser('who is a member no more sees nothing more, without loading anything anew', async () => {
  await page.goto(`${cloud.url}/#/o/${cloud.organisation.id}`);
  await see(page.getByText('live', { exact: true }));
  const { items } = await cloud.organisation.listUsers({ query: { email: 'bob@example.org' } });
  await cloud.organisation.deleteUser({ user: items[0]?.id ?? '' });
  await see(page.getByRole('heading', { name: 'Nothing here' }));
});

inBrowser('who has an account is invited, is a member once he accepts, and leaves again', async () => {
  const bob = { email: 'bob@example.org', name: 'Bob', role: 'dashboards-only' };
  const { organisation } = cloud;
  const { id: user } = await organisation.createUser({ body: { ...bob, reach: 'organisation' } });
  await page.goto(`${cloud.url}/#/o/${organisation.id}`);
  await page.reload();
  await see(page.getByRole('heading', { name: 'Nothing here' }));
  assert.is((await organisation.getUser({ user })).hasPassword, false);
  await button('Accept').click();
  await see(page.getByText('No readings yet'));
  assert.is(await page.getByRole('button', { name: 'Accept', exact: true }).count(), 0);
  assert.is((await organisation.getUser({ user })).hasPassword, true);
  await page.getByRole('link', { name: bob.name }).click();
  await page.getByRole('button', { name: /^Leave / }).click();
  await press('Leave');
  await see(page.getByText('You are a member of none.'));
  assert.equal((await organisation.listUsers({ query: { email: bob.email } })).items, []);
});

inBrowser('the browser had nothing to complain of but the refusals that were asked for', async () => {
  const asked = /^Failed to load resource: the server responded with a status of (?:401|403|404|422) /;
  assert.equal(
    complaints.filter((one) => !asked.test(one)),
    [],
  );
});

test.run();
