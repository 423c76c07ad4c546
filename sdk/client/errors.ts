import { problemReply } from '../api/index.ts';

/** A refusal of the cloud, as its problem details (RFC 9457) say it. */
export class CloudError extends Error {
  override readonly name = 'CloudError';
  /** HTTP status. */
  readonly status: number;
  /** A code of `sdk/contract`. */
  readonly code: string;
  /** Seconds after which to try again, where the cloud said so. */
  readonly retryAfterSeconds: number | null;

  constructor(status: number, code: string, detail: string, retryAfterSeconds: number | null = null) {
    super(detail);
    this.status = status;
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** No answer, or half of one: no way there, a certificate that is not trusted, or a cloud that is down. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';

  /** `url`: of the cloud. */
  constructor(url: string, cause: unknown) {
    super(`${url} cannot be reached: ${(cause as Error).message || (cause as { code?: string }).code}`, {
      cause,
    });
  }
}

/** The refusal that an answer is. */
export function refusal(status: number, text: string, retryAfter: string | undefined): CloudError {
  const problem = problemReply.safeParse(parseJson(text)).data;
  const seconds = retryAfter === undefined ? Number.NaN : Number(retryAfter);
  return new CloudError(
    status,
    problem?.code ?? 'internal',
    problem?.detail ?? `the cloud answered ${status}`,
    Number.isFinite(seconds) ? seconds : null,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
