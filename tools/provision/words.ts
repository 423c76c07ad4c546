import type { Code } from '@loadline/sdk/contract';
import type { News, RefusalCode } from '@loadline/sdk/provisioning';

/** What to do about each refusal of a gateway: the table in docs/provisioning.md too. */
export const actsOnRefusals: Readonly<Record<RefusalCode, string>> = {
  'question-malformed': 'the gateway runs another version: update loadline, or the gateway',
  'not-owned': 'run it again: the session had begun anew',
  'voucher-refused':
    'check the serial number, the clock of the cloud, and that the cloud is the one this board was built to trust; a kit may have expired: prepare it again',
  'undelivered-readings':
    'connect the gateway to its network until they are delivered, or say discard_undelivered = true (--discard-undelivered)',
  'key-missing': 'run it again',
  'site-invalid': 'correct the keys that are named in the site file',
  'chain-refused':
    'run it again; if it stays so, the authority of the cloud and of this board are not the same',
  'nothing-written': 'run it again',
  'digest-differs': 'somebody else writes to this gateway: leave one cable connected, and run it again',
  'not-committed': 'run it again',
  'trial-failed': 'see how far it came (network, clock, connecting, hearing), mend that, and run it again',
  'record-refused': 'run it again; if it stays so, update loadline or the gateway',
  'disk-failed': 'the storage of the board is full, worn out or mounted read-only: replace it',
};

/** What to do about a refusal of the cloud, where its own words do not say it. */
export const actsOnCodes: Partial<Record<Code, string>> = {
  forbidden:
    'ask an administrator for the scopes that docs/provisioning.md names, or for the role technician in this organisation',
  'not-found': 'check the organisation: it is not one of yours, or the gateway is not in it',
  conflict:
    'a board or an id that belongs to another organisation must be released there first: loadline unit release',
  unauthenticated: 'loadline login, or a new API token',
  'request-invalid': 'update loadline, or the cloud',
  'rate-limited': 'wait a minute, and run it again',
};

/** What a gateway is waiting for at each step of its first delivery. */
export const trialWords: Readonly<Record<News<'trial'>['step'], string>> = {
  network: 'waiting for an address on its network',
  clock: 'waiting for the time',
  enrolling: 'getting its certificate',
  connecting: 'connecting to the cloud',
  connected: 'connected; waiting for a sensor',
  hearing: 'hears sensors; waiting for the cloud to acknowledge a reading',
  delivered: 'a reading was acknowledged',
};

/** The table of refusals, Markdown. */
export function refusalsOfGatewayTable(meanings: Readonly<Record<RefusalCode, string>>): string {
  const rows = Object.entries(meanings).map(
    ([code, meaning]) => `| \`${code}\` | ${meaning} | ${actsOnRefusals[code as RefusalCode]} |`,
  );
  return ['| the gateway says | it means | do |', '| --- | --- | --- |', ...rows].join('\n');
}
