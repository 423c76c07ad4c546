import type { CertificateRow, EndOfCertificate } from '../store/index.ts';

/** What becomes of a certificate: it opens, it was never issued here to that subject, or it has ended, and why. */
export type Standing = 'good' | 'unknown' | EndOfCertificate;

interface Certificate {
  readonly fingerprint: string;
  readonly subject: string;
  /** Null of one from before this was kept: older than all that have it. */
  readonly issued: number | null;
  used: boolean;
  ended: EndOfCertificate | null;
}

/** Every certificate that was issued, in memory: each connection asks here, and each that stays asks once a second. */
export class Certificates {
  readonly #all = new Map<string, Certificate>();
  readonly #bySubject = new Map<string, Certificate[]>();

  /** Takes one in as the store has it. What has ended or been used here has, also where the store does not know it yet. */
  put({ fingerprint, subject, issued, used, revoked, reason }: CertificateRow): void {
    // One that was revoked before reasons were kept.
    const ended = reason ?? (revoked === null ? null : 'revoked');
    const known = this.#all.get(fingerprint);
    if (known !== undefined) {
      known.used ||= used !== null;
      // What is held back may have been readmitted here since it was read: the store says so a moment later.
      if (ended !== 'restored') known.ended = lasting(known.ended, ended);
      return;
    }
    const certificate = { fingerprint, subject, issued, used: used !== null, ended };
    this.#all.set(fingerprint, certificate);
    const others = this.#bySubject.get(subject);
    if (others === undefined) this.#bySubject.set(subject, [certificate]);
    else others.push(certificate);
  }

  /** How it stands with the certificate of this SHA-256 fingerprint (hex digits) that names this subject. */
  standing(fingerprint: string, subject: string): Standing {
    const certificate = this.#all.get(fingerprint);
    if (certificate === undefined || certificate.subject !== subject) return 'unknown';
    return certificate.ended ?? 'good';
  }

  /** Has it open nothing from now on; one that has ended for good before keeps its reason. */
  end(fingerprint: string, reason: EndOfCertificate): void {
    const certificate = this.#all.get(fingerprint);
    if (certificate !== undefined) certificate.ended = lasting(certificate.ended, reason);
  }

  /** Has one open again that is held back after a restore; one that has ended for good meanwhile stays so. */
  readmit(fingerprint: string): void {
    const certificate = this.#all.get(fingerprint);
    if (certificate?.ended === 'restored') certificate.ended = null;
  }

  /**
   * Says that it has proven its holder. The first time, the older ones of that holder are superseded by it, and their
   * fingerprints are the answer, those that are held back among them; after that the answer is undefined.
   */
  use(fingerprint: string): readonly string[] | undefined {
    const certificate = this.#all.get(fingerprint);
    if (certificate === undefined || certificate.used) return undefined;
    certificate.used = true;
    const older = (this.#bySubject.get(certificate.subject) ?? []).filter(
      (one) => !isForGood(one.ended) && isOlder(one, certificate),
    );
    for (const one of older) one.ended = 'superseded';
    return older.map((one) => one.fingerprint);
  }
}

function isForGood(ended: EndOfCertificate | null): boolean {
  return ended !== null && ended !== 'restored';
}

/** Of two ends the one that stands: the first that is for good. */
function lasting(before: EndOfCertificate | null, then: EndOfCertificate | null): EndOfCertificate | null {
  return isForGood(before) ? before : (then ?? before);
}

function isOlder(one: Certificate, than: Certificate): boolean {
  if (than.issued === null) return false;
  return one.issued === null || one.issued < than.issued;
}
