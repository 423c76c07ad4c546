import type { FlashRefusal } from '@loadline/sdk/flashing';
import { LinkError } from '@loadline/sdk/serial-link';

/** What to do about each. */
const acts: Readonly<Record<FlashRefusal, string>> = {
  'flash-malformed': 'use versions of tool and gateway that belong together',
  'flash-no-launcher': 'install the package or the image, which bring a launcher (docs/releases.md)',
  'flash-no-root': 'install the package or the image, which bring trust/root.json (docs/releases.md)',
  'flash-other-target': 'name a folder that has the release for this kind of machine',
  'flash-disk-failed': 'look at the disk of the gateway: it is full, or broken',
  'flash-busy': 'wait until that has come to its end',
};

/** A release that is not taken over the line, and why. */
export class FlashRefused extends LinkError {
  constructor(code: FlashRefusal, says: string) {
    super(code, says, acts[code]);
  }
}
