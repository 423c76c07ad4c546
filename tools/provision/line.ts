import type {
  News,
  NewsName,
  QuestionBody,
  QuestionName,
  RefusalCode,
  Reply,
} from '@loadline/sdk/provisioning';

/** A gateway that answers, at the other end of a line. */
export interface GatewayLine {
  /** Asks, and waits for the answer. @throws GatewayRefusal, LineLost */
  ask<N extends QuestionName>(
    name: N,
    body: QuestionBody<N>,
    options?: { readonly seconds?: number },
  ): Promise<Reply<N>>;
  /** Hears what the gateway tells unasked; the function it returns ends that. */
  onNews<N extends NewsName>(name: N, listener: (news: News<N>) => void): () => void;
  close(): Promise<void>;
}

/** The gateway answered that it does not do it: why, in its own words, and what to do. */
export class GatewayRefusal extends Error {
  override readonly name = 'GatewayRefusal';
  readonly code: RefusalCode;
  readonly act: string;

  constructor(code: RefusalCode, what: string, act: string) {
    super(what);
    this.code = code;
    this.act = act;
  }
}

/** Nothing answers any more: the cable, the power, or the gateway's program. */
export class LineLost extends Error {
  override readonly name = 'LineLost';
}
