import { readFile } from 'node:fs/promises';
import { sessionCookie } from '@loadline/sdk/api';
import { CloudClient } from '@loadline/sdk/client';
import { CalledWrongly, NotLoggedIn } from './outcome.ts';
import { readSession, type Session, sessionPath, writeSession } from './session-file.ts';

/** Carries out `work` as whoever is logged in, or by the token in LOADLINE_TOKEN; a renewed session is kept. */
export async function withCloud(work: (cloud: CloudClient) => Promise<void>): Promise<void> {
  const { LOADLINE_TOKEN: token, LOADLINE_URL, LOADLINE_AUTHORITY } = process.env;
  const path = sessionPath(process.env);
  const session = await readSession(path);
  const url = LOADLINE_URL ? originOf(LOADLINE_URL) : session?.url;
  if (url === undefined) {
    throw new NotLoggedIn('nobody is logged in: loadline login, or set LOADLINE_URL and LOADLINE_TOKEN');
  }
  const own = session?.url === url ? session : undefined;
  const authority = LOADLINE_AUTHORITY ? await authorityIn(LOADLINE_AUTHORITY) : own?.authority;
  const trust = authority ? { authorityPem: authority } : {};
  if (token) {
    await work(new CloudClient({ url, token: token.trim(), ...trust }));
    return;
  }
  if (own?.cookies[sessionCookie] === undefined) {
    throw new NotLoggedIn(`nobody is logged in at ${url}: loadline login, or set LOADLINE_TOKEN`);
  }
  const cloud = new CloudClient({ url, cookies: own.cookies, ...trust });
  try {
    await work(cloud);
  } finally {
    await keep(path, own, cloud);
  }
}

/** The authority that the certificate of a cloud comes from, PEM; undefined where the system's authorities are trusted. */
export async function authorityOf(url: string): Promise<string | undefined> {
  const { LOADLINE_AUTHORITY } = process.env;
  if (LOADLINE_AUTHORITY) return await authorityIn(LOADLINE_AUTHORITY);
  const session = await readSession(sessionPath(process.env));
  return session?.url === url ? (session.authority ?? undefined) : undefined;
}

/** Keeps what the cloud has set since. */
async function keep(path: string, session: Session, { cookies }: CloudClient): Promise<void> {
  if (JSON.stringify(cookies) !== JSON.stringify(session.cookies)) {
    await writeSession(path, { ...session, cookies });
  }
}

/** `https://host:port` of what somebody typed. @throws CalledWrongly */
export function originOf(text: string): string {
  const whole = text.includes('://') ? text : `https://${text}`;
  const url = URL.canParse(whole) ? new URL(whole) : undefined;
  if (url?.protocol !== 'https:' || url.hostname === '' || url.username !== '' || url.password !== '') {
    throw new CalledWrongly(`${text} is not the address of a cloud: https://host, or https://host:port`);
  }
  return url.origin;
}

/** The certificate in a file, PEM. @throws CalledWrongly */
export async function authorityIn(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((error: Error) => {
    throw new CalledWrongly(`the authority cannot be read: ${error.message}`);
  });
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  throw new CalledWrongly(`${path} holds no certificate in PEM`);
}
