import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { isExposed } from '@loadline/sdk/platform';
import { CalledWrongly } from '../cloud/outcome.ts';
import type { Order } from './order.ts';
import { parseSiteFile } from './site-file.ts';

/** An order from a site file, with the secrets from the files that it names. @throws CalledWrongly, ConfigError */
export async function readSite(path: string): Promise<Order> {
  const { order, wifiPassphraseFile, proxyPasswordFile } = parseSiteFile(
    await textOf(path, 'the site file'),
    path,
  );
  const secret = async (file: string | undefined) =>
    file === undefined ? null : await secretIn(resolve(dirname(path), file));
  return {
    ...order,
    secrets: {
      wifiPassphrase: await secret(wifiPassphraseFile),
      proxyPassword: await secret(proxyPasswordFile),
    },
  };
}

/** The first line of a file: an editor puts an end to it. @throws CalledWrongly also where others can read it */
async function secretIn(path: string): Promise<string> {
  const text = await textOf(path, 'the file of a secret');
  if (await isExposed(path))
    throw new CalledWrongly(`${path} holds a secret, and others can read it: chmod 600 it`);
  const secret = text.split(/\r?\n/)[0] ?? '';
  if (secret === '') throw new CalledWrongly(`${path} is empty: its first line is to be the secret`);
  return secret;
}

/** @throws CalledWrongly where it cannot be read */
export async function textOf(path: string, what: string): Promise<string> {
  return await readFile(path, 'utf8').catch((error: Error) => {
    throw new CalledWrongly(`${what} cannot be read: ${error.message}`);
  });
}
