import { limits } from '@loadline/sdk/contract';
import { optionalTable, path, seconds, table, text, whole } from '@loadline/sdk/toml';
import * as z from 'zod';

const proxyAllowed = 'must be http://host:port or socks5://host:port, in quotes, without a user or password';

const proxy = table({
  url: z
    .string(proxyAllowed)
    .regex(/^(http|socks5):\/\/[^@/?#]+:\d{1,5}\/?$/, proxyAllowed)
    .refine((url) => Number(/:(\d+)\/?$/.exec(url)?.[1]) <= 65_535, proxyAllowed)
    .describe('an HTTP proxy (CONNECT) or a SOCKS5 proxy; it resolves the names'),
  user: text(1, 255).optional().describe('user name at the proxy'),
  password_file: path()
    .optional()
    .describe('file with the password at the proxy, mode 0600; relative to this file'),
});

/** `[uplink]`: the way to the cloud. */
export const uplink = table({
  host: text(1, 253).describe("the cloud's host name, as its certificate has it"),
  port: whole(1, 65_535).default(8883).describe('port of MQTT over TLS'),
  fallback_port: whole(1, 65_535)
    .optional()
    .describe('tried in turn with `port` while that does not answer; the same by ALPN, so 443 serves'),
  authority: path().describe("the fleet's authority, a PEM file; relative to this file"),
  proxy: proxy.optional(),
  max_delay_ms: whole(0, 600_000)
    .default(0)
    .describe('how long readings may gather on an idle link: fewer bytes, later readings'),
  window_bytes: whole(16 * 1024, 16 * 1024 * 1024)
    .default(2 * 1024 * 1024)
    .describe('most bytes of readings, before compression, in flight; a slow link gets less by itself'),
  keepalive_seconds: whole(5, limits.mqttKeepaliveSeconds)
    .default(10)
    .describe('a link that has been silent for this long is asked whether it is there'),
});

/** `[enrolment]`: how certificates are had. */
export const enrolment = table({
  url: z
    .url({ protocol: /^https$/, error: 'must be an https:// address, in quotes' })
    .refine((url) => !url.includes('@') && !url.includes('?'), 'must not carry a user, password or query')
    .describe("the cloud's EST server: there the certificate is had, and each one after it"),
  secret_file: path()
    .optional()
    .describe(
      'file with a one-time enrolment secret, for the first certificate, or where the one there is opens nothing any more; removed once used; relative to this file',
    ),
});

/** `[clock]`: who says what time it is. */
export const clock = optionalTable({
  synchronized_file: path()
    .default('/run/systemd/timesync/synchronized')
    .describe('there while the system vouches for its time; systemd-timesyncd touches it'),
  saved_file: path()
    .default('/var/lib/systemd/timesync/clock')
    .describe("a file that was last touched at a time that is surely past: systemd-timesyncd's saved clock"),
});

/** `[health]`: how often the gateway accounts for itself. */
export const health = optionalTable({
  interval_seconds: whole(5, 3600).default(60).describe('seconds between two health messages'),
  after_quiet_ms: whole(0, 60_000)
    .default(0)
    .describe('one besides, when nothing has happened for this long after something did; 0 is off'),
  wedged_seconds: whole(10, 3600)
    .default(60)
    .describe('without progress for this long while there is work, the watchdog is no longer fed'),
});

/** `[control]`: the local socket of `status` and `doctor`. */
export const control = optionalTable({
  socket: path()
    .optional()
    .describe('unix socket, mode 0600; default: `control.sock` in the state folder; relative to this file'),
});

/** `[journal]`: what is held until the cloud has it. */
export const journal = optionalTable({
  max_bytes: whole(64 * 1024, 64 * 1024 * 1024 * 1024)
    .default(256 * 1024 * 1024)
    .describe('disk for readings not yet acknowledged; past it the oldest are dropped, and declared'),
  flush_seconds: seconds(60)
    .default(1)
    .describe('how much a power cut may cost: what is younger may not be on disk yet'),
});
