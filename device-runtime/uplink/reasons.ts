/** Why there is no link, in words that say what it looks like from here, and where to look. */

/** Where a connection was to lead. */
export interface Destination {
  readonly host: string;
  readonly port: number;
}

const notOurs = (what: string): string =>
  `something else answers in place of the cloud: ${what} (a captive portal, or a firewall that opens TLS)`;

/** By the codes of Node and OpenSSL. */
const words: Readonly<Record<string, (where: string, host: string) => string>> = {
  ENOTFOUND: (_, host) =>
    `the name ${host} is not known to DNS: check uplink.host, and which DNS server answers`,
  EAI_AGAIN: (_, host) => `no DNS server answers for ${host}: the network is not there, or DNS is gone`,
  ENETUNREACH: (where) => `there is no network that leads to ${where}`,
  ENETDOWN: (where) => `the network to ${where} is down`,
  EADDRNOTAVAIL: (where) => `this gateway has no address from which to reach ${where}`,
  EHOSTUNREACH: (where) => `there is no way to ${where}: the next hop does not answer`,
  ECONNREFUSED: (where) => `nothing listens on ${where}: the cloud is down, or a firewall refuses`,
  ETIMEDOUT: (where) => `${where} does not answer: the cloud is away, or a firewall drops what is sent there`,
  ECONNRESET: (where) => `${where} reset the connection`,
  EPIPE: (where) => `${where} closed the connection`,
  ERR_SSL_WRONG_VERSION_NUMBER: (where) => notOurs(`${where} does not speak TLS`),
  ERR_SSL_PACKET_LENGTH_TOO_LONG: (where) => notOurs(`${where} does not speak TLS`),
  ERR_SSL_HTTP_REQUEST: (where) => notOurs(`${where} does not speak TLS`),
  ERR_SSL_UNEXPECTED_MESSAGE: (where) => notOurs(`${where} does not speak TLS`),
  DEPTH_ZERO_SELF_SIGNED_CERT: (where) => notOurs(`the certificate of ${where} is signed by itself`),
  SELF_SIGNED_CERT_IN_CHAIN: (where) => notOurs(`the certificate of ${where} is of another authority`),
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: (where) => notOurs(`the certificate of ${where} is of another authority`),
  UNABLE_TO_GET_ISSUER_CERT: (where) => notOurs(`the certificate of ${where} is of another authority`),
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: (where) =>
    notOurs(`the certificate of ${where} is of another authority`),
  CERT_SIGNATURE_FAILURE: (where) => notOurs(`the certificate of ${where} is forged`),
  INVALID_PURPOSE: (where) => notOurs(`the certificate of ${where} is not for a server`),
  ERR_TLS_CERT_ALTNAME_INVALID: (where, host) => notOurs(`the certificate of ${where} is not for ${host}`),
  CERT_HAS_EXPIRED: (where) => `the certificate of ${where} has ended, or this gateway's clock is ahead`,
  CERT_NOT_YET_VALID: (where) =>
    `the certificate of ${where} has not begun, or this gateway's clock is behind`,
};

/** An alert of the far end about our certificate: OpenSSL names them `ERR_SSL_TLSV1_ALERT_UNKNOWN_CA` and so on. */
const aboutOurs = /^ERR_SSL_.*ALERT_(UNKNOWN_CA|.*CERTIFICATE.*|ACCESS_DENIED|DECRYPT_ERROR)$/;

/** What an error of the network or of TLS means on the way to `destination`. */
export function explain(error: Error, { host, port }: Destination): string {
  const where = at({ host, port });
  const code = codeOf(error);
  if (code === undefined) return error.message || error.name;
  const known = words[code];
  if (known !== undefined) return `${known(where, host)} [${code}]`;
  if (aboutOurs.test(code)) return `${where} does not take this gateway's certificate [${code}]`;
  return `${error.message || 'the connection failed'} [${code}]`;
}

/** Why a certificate is not believed, in the words of sdk/trust. */
export function notBelieved(fault: string, destination: Destination): string {
  const what = `the certificate of ${at(destination)} ${fault}`;
  return /^(ended|begins) at/.test(fault) ? what : notOurs(what);
}

/** `host:port`, as it is written where an address may be IPv6. */
export function at({ host, port }: Destination): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Several addresses of one name are tried in turn: the first one's error stands for all. */
function codeOf(error: Error): string | undefined {
  const one = error instanceof AggregateError ? ((error.errors[0] as Error | undefined) ?? error) : error;
  return (one as NodeJS.ErrnoException).code;
}
