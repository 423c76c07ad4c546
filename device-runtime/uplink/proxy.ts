import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { connectThroughHttp } from './http-proxy.ts';
import { at, type Destination, explain } from './reasons.ts';
import { connectThroughSocks } from './socks-proxy.ts';

/** `[uplink.proxy]` of the configuration. */
export interface ProxyConfig {
  /** `http://host:port` or `socks5://host:port`. */
  readonly url: string;
  readonly user?: string | undefined;
  readonly password_file?: string | undefined;
}

/** Who we are at a proxy. */
export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** A proxy did not do what it was asked. The message says what it answered, and no password. */
class ProxyError extends Error {
  override readonly name = 'ProxyError';
}

/**
 * A TCP connection to `destination`, straight or through a proxy, which then resolves its name. The password is
 * read anew each time: whoever sees it refused puts another one there.
 *
 * @throws Error that says in words what is wrong; the signal's reason when it is aborted
 */
export async function openTunnel(
  destination: Destination,
  proxy: ProxyConfig | undefined,
  signal: AbortSignal,
): Promise<Socket> {
  if (proxy === undefined) return await connectTcp(destination, signal);
  const { protocol, hostname, port } = new URL(proxy.url);
  const place = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 80) };
  const credentials = await readCredentials(proxy);
  const through = protocol === 'http:' ? connectThroughHttp : connectThroughSocks;
  try {
    const socket = await connectTcp(place, signal);
    const abort = (): unknown => socket.destroy(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    try {
      await through(socket, destination, credentials);
      return socket;
    } catch (error) {
      socket.destroy();
      throw error;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw new ProxyError(`the proxy ${at(place)}: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * Milliseconds for each address of a name before the next is tried. By itself Node gives up after 250: less than one way
 * there and back over a satellite, or over a mobile link that is asleep, so that a cloud with two addresses, of which
 * this site reaches one, would never be reached.
 */
const addressMilliseconds = 3000;

async function connectTcp(destination: Destination, signal: AbortSignal): Promise<Socket> {
  const socket = connect({
    ...destination,
    noDelay: true,
    autoSelectFamilyAttemptTimeout: addressMilliseconds,
  });
  try {
    await once(socket, 'connect', { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    if (signal.aborted) throw signal.reason;
    throw new Error(explain(error as Error, destination), { cause: error });
  }
}

async function readCredentials({ user, password_file }: ProxyConfig): Promise<Credentials | undefined> {
  if (user === undefined) return undefined;
  if (password_file === undefined) return { user, password: '' };
  try {
    return { user, password: (await readFile(password_file, 'utf8')).replace(/\r?\n$/, '') };
  } catch (error) {
    throw new ProxyError(`uplink.proxy.password_file cannot be read: ${(error as Error).message}`);
  }
}
