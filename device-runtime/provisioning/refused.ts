import type { RefusalCode } from '@loadline/sdk/provisioning';
import { LinkError } from '@loadline/sdk/serial-link';

/** What to do about each. */
const acts: Readonly<Record<RefusalCode, string>> = {
  'question-malformed': 'use versions of tool and gateway that belong together',
  'not-owned': 'show a voucher first (own)',
  'voucher-refused': 'have one made for this board and this session, by an organisation that may own it',
  'undelivered-readings':
    'let it reach the cloud of its present owner, or give those readings up (discardUndelivered)',
  'key-missing': 'ask for a key for that gateway id first (key)',
  'site-invalid': 'correct what is named, and write the site again',
  'chain-refused': 'have a certificate issued for the request of this key, and write the site again',
  'nothing-written': 'write a site first (write)',
  'digest-differs': 'write the site again, and commit that',
  'not-committed': 'commit a site first (commit)',
  'trial-failed': 'look at what is said to be wrong; it goes on trying by itself, and can be tried again',
  'record-refused': 'write the record anew, of what this gateway says of itself',
  'disk-failed': 'try again; if it stays so, the card or disk is to be replaced',
};

/** A question that is not answered, and why. */
export class Refused extends LinkError {
  declare readonly code: RefusalCode;

  constructor(code: RefusalCode, says: string, options?: ErrorOptions) {
    super(code, says, acts[code], options);
  }
}
