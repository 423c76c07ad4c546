import type { News, Reply } from '@loadline/sdk/provisioning';
import type { Outcome } from './outcome.ts';
import type { Plan, Step } from './plan.ts';

/** What is told while a gateway is provisioned; with `--json` each is a line, and `result` is the last. */
export type ProvisionEvent =
  | {
      readonly event: 'gateway';
      readonly port: string;
      readonly description: Omit<Reply<'describe'>, 'nonce' | 'maker'>;
    }
  | { readonly event: 'plan'; readonly kind: Plan['kind']; readonly steps: readonly Step[] }
  | { readonly event: 'step'; readonly step: Step; readonly state: 'begun' | 'done'; readonly says: string }
  | { readonly event: 'heard'; readonly tags: News<'heard'>['tags'] }
  | { readonly event: 'trial'; readonly step: News<'trial'>['step']; readonly detail: string }
  | { readonly event: 'note'; readonly says: string }
  | ResultEvent;

export interface ResultEvent {
  readonly event: 'result';
  readonly result: Outcome;
  /** What the command ends with. */
  readonly exitCode: number;
  readonly gatewayId: string | null;
  readonly serialNumber: string | null;
  /** Of its certificate. */
  readonly fingerprint: string | null;
  readonly reading: Reply<'trial'>['reading'] | null;
  /** Where the signed record is. */
  readonly record: string | null;
  /** Where it failed: during which step. */
  readonly step: Step | null;
  /** Of the gateway or the cloud, where one of them refused. */
  readonly code: string | null;
  /** What was wrong, and what to do; null where nothing was. */
  readonly says: string | null;
  readonly act: string | null;
}

export type Report = (event: ProvisionEvent) => void;
