import { type Browser, chromium, type Locator, type Page } from 'playwright-core';

/** Milliseconds until something that is to be seen must be there. */
export const patience = 20_000;

/** A page in a browser of its own, and what the browser complained of. */
export interface OpenBrowser {
  readonly browser: Browser;
  readonly page: Page;
  readonly complaints: readonly string[];
}

/** Starts Debian's chromium, which takes the certificate of a test's cloud. */
export async function openBrowser(): Promise<OpenBrowser> {
  const complaints: string[] = [];
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('requestfailed', (request) => {
    const reason = request.failure()?.errorText;
    // The page itself ends the live stream, and loads that another choice has overtaken.
    if (reason !== 'net::ERR_ABORTED') complaints.push(`${request.url()}: ${reason}`);
  });
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(`${message.text()} (${message.location().url})`);
  });
  return { browser, page, complaints };
}

/** Waits until it is to be seen. */
export async function see(what: Locator): Promise<void> {
  await what.first().waitFor({ state: 'visible', timeout: patience });
}
