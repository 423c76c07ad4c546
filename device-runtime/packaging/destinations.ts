import type { Config } from '../config/index.ts';

/**
 * Every place the gateway connects to by its configuration, DNS apart: what the egress policy lets through. With a
 * proxy it is the proxy alone: enrolment goes by it too.
 */
export function destinations({
  uplink,
  enrolment,
}: Config): { readonly host: string; readonly port: number }[] {
  const { host, port, fallback_port, proxy } = uplink;
  if (proxy) return [placeOf(proxy.url, 80)];
  const places = [{ host, port }, ...(fallback_port === undefined ? [] : [{ host, port: fallback_port }])];
  return enrolment === undefined ? places : [...places, placeOf(enrolment.url, 443)];
}

function placeOf(url: string, standardPort: number): { host: string; port: number } {
  // A port that is the scheme's own is left out by URL.
  const { hostname, port } = new URL(url.replace(/^socks5:/, 'http:'));
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || standardPort };
}
