import type { Secret } from '@loadline/sdk/platform';
import { createTransport } from 'nodemailer';
import type { Carrier, Obstacle, Outcome } from './carrier.ts';
import type { Envelope } from './compose.ts';
import { type MailConfig, readPassword } from './config.ts';

/** Milliseconds to wait for a name, a connection, a greeting, and between two signs of life. */
const patience = {
  dnsTimeout: 10_000,
  connectionTimeout: 15_000,
  greetingTimeout: 15_000,
  socketTimeout: 60_000,
};

/**
 * Hands mails to a mail server, each in a connection of its own. The password is read each time, so that a new one
 * needs no restart.
 *
 * @param name what this machine calls itself to the server: a host name, or undefined for its own
 */
export function smtpCarrier(config: MailConfig, name: string | undefined): Carrier {
  return {
    // What a server has taken is no longer here.
    forget: () => Promise.resolve(),
    deliver: async ({ envelope }, signal) => {
      let password: Secret | undefined;
      try {
        if (config.login !== undefined) password = await readPassword(config.login.passwordFile);
      } catch {
        return { kind: 'later', obstacle: { reason: 'password-file' }, all: true };
      }
      try {
        await handOver(config, { envelope, password, name, signal });
        return { kind: 'delivered' };
      } catch (error) {
        return outcomeOf(error as SmtpError);
      }
    },
  };
}

async function handOver(
  config: MailConfig,
  parts: { envelope: Envelope; password: Secret | undefined; name: string | undefined; signal: AbortSignal },
): Promise<void> {
  const { host, port, security, login, authorityPem } = config;
  const { envelope, password, name, signal } = parts;
  const transport = createTransport({
    ...patience,
    host,
    port,
    secure: security === 'tls',
    // Without it a server, or somebody on the way, that offers no STARTTLS would be given everything in clear.
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'none',
    ...(name !== undefined && { name }),
    ...(login !== undefined && { auth: { user: login.user, pass: password?.reveal() } }),
    // Said aloud, so that no variable of the environment can switch it off.
    tls: {
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2',
      ...(authorityPem !== undefined && { ca: authorityPem }),
    },
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  try {
    await transport.sendMail({
      envelope: { from: envelope.from, to: [envelope.to] },
      raw: Buffer.from(envelope.message, 'latin1'),
      signal,
    });
  } finally {
    transport.close();
  }
}

/** What nodemailer says of a failure, as far as it is looked at: its words may hold the address. */
interface SmtpError extends Error {
  readonly code?: string;
  readonly originalCode?: string;
  readonly responseCode?: number;
  readonly permanent?: boolean;
}

function outcomeOf(error: SmtpError): Outcome {
  const { responseCode } = error;
  const code = error.originalCode ?? error.code;
  const told = (reason: Obstacle['reason']): Obstacle => ({
    reason,
    ...(responseCode !== undefined && { smtp: responseCode }),
    ...(code !== undefined && { code }),
  });
  const later = (reason: Obstacle['reason'], all: boolean): Outcome => ({
    kind: 'later',
    obstacle: told(reason),
    all,
  });
  switch (error.code) {
    // Whatever the server says: it is our login that is wrong, and not the mail.
    case 'EAUTH':
    case 'ENOAUTH':
      return later('login-refused', true);
    case 'ETLS':
      return later('not-secure', true);
    case 'EENVELOPE':
    case 'EMESSAGE':
      if (error.permanent === true) return { kind: 'refused', obstacle: told('refused') };
      return later('refused-for-now', responseCode === 421);
    default:
      return later(isAboutCertificates(code) ? 'not-secure' : 'not-reachable', true);
  }
}

/** Node's codes for a peer that is not who it should be: its own, and those of X.509 verification. */
function isAboutCertificates(code = ''): boolean {
  return /^ERR_(TLS|SSL)_|CERT|^UNABLE_TO_|^HOSTNAME_MISMATCH$|^INVALID_CA$|^PATH_LENGTH_EXCEEDED$/.test(
    code,
  );
}
