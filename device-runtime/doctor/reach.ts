import { lookup } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Config } from '../config/index.ts';
import { trustedPem } from '../identity/index.ts';
import { error, type Finding } from './finding.ts';

/** Milliseconds each step of the way may take. */
const stepMilliseconds = 5000;

/** Whether the cloud can be reached from here, and where the way ends: the name, the port, or the handshake. */
export async function reachFindings({ uplink, gateway }: Config): Promise<Finding[]> {
  const { host, port, proxy } = uplink;
  if (proxy !== undefined) {
    const { hostname, port: proxyPort } = new URL(proxy.url.replace(/^socks5:/, 'http:'));
    return await knock('proxy', hostname.replace(/^\[|\]$/g, ''), Number(proxyPort) || 80, undefined);
  }
  // What the fleet has become since: the file alone may be an old root's.
  const authority = await readFile(uplink.authority, 'utf8')
    .then((pem) => trustedPem(gateway.state, pem))
    .catch(() => undefined);
  return await knock('cloud', host, port, authority);
}

async function knock(about: string, host: string, port: number, authority?: string): Promise<Finding[]> {
  if (isIP(host) === 0) {
    try {
      await within(lookup(host), 'no answer');
    } catch (problem) {
      return [
        error(
          about,
          `the name ${host} has no address: ${codeOf(problem)}`,
          'check the network and its DNS server (`getent hosts` with the name)',
        ),
      ];
    }
  }
  let socket: Socket;
  try {
    socket = await within(tcp(host, port), 'no answer');
  } catch (problem) {
    return [
      error(
        about,
        `nothing answers at ${host}:${port}: ${codeOf(problem)}`,
        'let this port out of the network (firewall), or set `uplink.fallback_port = 443`',
      ),
    ];
  }
  try {
    if (authority !== undefined) await within(handshake(socket, host, authority), 'no handshake');
    return [];
  } catch (problem) {
    return [
      error(
        about,
        `what answers at ${host}:${port} is not the cloud: ${codeOf(problem)}`,
        'look for a captive portal or a TLS-inspecting proxy; check `uplink.host` and `uplink.authority`',
      ),
    ];
  } finally {
    socket.destroy();
  }
}

function tcp(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host, port, timeout: stepMilliseconds });
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
    socket.once('timeout', () => socket.destroy(new Error('no answer')));
  });
}

function handshake(socket: Socket, servername: string, ca: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const name = isIP(servername) === 0 ? { servername } : { host: servername };
    const tls = connectTls({ socket, ca, ALPNProtocols: ['mqtt'], ...name });
    tls.once('secureConnect', () => {
      resolve();
      tls.destroy();
    });
    tls.on('error', reject);
  });
}

async function within<Value>(doing: Promise<Value>, else_: string): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(else_)), stepMilliseconds);
  });
  try {
    return await Promise.race([doing, late]);
  } finally {
    clearTimeout(timer);
  }
}

function codeOf(problem: unknown): string {
  const { code, message } = problem as NodeJS.ErrnoException;
  return code ?? message;
}
