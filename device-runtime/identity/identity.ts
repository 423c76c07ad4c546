import { createPrivateKey, X509Certificate } from 'node:crypto';

/** Who this gateway is: its key, made here, and the certificate it was given for it. PEM. */
export interface Identity {
  readonly privateKeyPem: string;
  readonly chainPem: string;
}

/** Begin and end of a certificate, ms since 1970. */
export interface Term {
  readonly notBefore: number;
  readonly notAfter: number;
}

/** Of a chain in PEM the first counts. Throws where it cannot be read. */
export function termOf(chainPem: string): Term {
  const { validFromDate, validToDate } = new X509Certificate(chainPem);
  return { notBefore: validFromDate.getTime(), notAfter: validToDate.getTime() };
}

/**
 * Why a certificate is of no use to a gateway, in words; undefined where it is. Times are not judged: the clock may not be
 * set yet, and the cloud judges them anyway.
 */
export function whyUnusable({ chainPem, privateKeyPem }: Identity, gatewayId: string): string | undefined {
  try {
    const certificate = new X509Certificate(chainPem);
    if (certificate.subject !== `CN=${gatewayId}`) {
      return `it is for ${certificate.subject}, not for CN=${gatewayId}`;
    }
    if (!certificate.checkPrivateKey(createPrivateKey(privateKeyPem))) return 'it is for another key';
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
