import { dirname, join } from 'node:path';
import { isGatewayId } from '@loadline/sdk/contract';
import { type Log, makePrivateFolder, readRegular, removeWhole, writeWhole } from '@loadline/sdk/platform';
import { cardBytes, cardSite } from '@loadline/sdk/provisioning';
import type { JudgedAt } from '@loadline/sdk/trust';
import * as z from 'zod';
import type { Board } from './board.ts';
import { publicKeyDigest } from './in-force.ts';
import { Refused } from './refused.ts';
import { checkSite } from './site-files.ts';
import type { SiteStore } from './store.ts';
import { acceptVoucher, voucherDigest } from './voucher.ts';

export interface CardOptions {
  /** Folder of the sites; what came on a card lies in `card/` beside it, where root has moved it. */
  readonly folder: string;
  readonly store: SiteStore;
  readonly board: Pick<Board, 'serialNumber'>;
  /** The authorities that this gateway was built to trust, PEM. */
  readonly makerPem: string;
  readonly time: () => JudgedAt;
  /** Ms since 1970, as the system has it. */
  readonly wall: () => number;
  readonly log: Log;
}

/** Who a site is for: the rest of it is checked with its key. */
const whose = z.object({ gatewayId: z.string().refine(isGatewayId) });

/**
 * Takes the site that came on the card (`cardSite` of `@loadline/sdk/provisioning`) into force, where nothing is: by a voucher for
 * this board, and by the checks of a site that comes over a serial line. Once: what was taken is noted and removed, and its
 * voucher is never taken again. What is refused stays, says so at each start, and the gateway waits to be provisioned as ever.
 * Does not throw: a card must not keep a gateway from starting.
 */
export async function takeCard(options: CardOptions): Promise<void> {
  const { folder, store, log } = options;
  const file = join(dirname(folder), 'card', 'site.json');
  try {
    const bytes = await readRegular(file, cardBytes);
    if (bytes === undefined) return;
    if (store.inForce === undefined) await takeIntoForce(bytes, file, options);
    else log.warn('card-left-out', { gateway: store.inForce.gatewayId, reason: 'it is provisioned already' });
    // Also where a cut came between the two: what is in force is what was taken, or something newer.
    await removeWhole(file);
  } catch (error) {
    const { code, message } = error as Refused;
    log.error('card-refused', { code: error instanceof Refused ? code : 'disk-failed', reason: message });
  }
}

async function takeIntoForce(bytes: Buffer, file: string, options: CardOptions): Promise<void> {
  const { store, board, makerPem, time, wall, log } = options;
  const { voucher, site } = read(bytes);
  const { gatewayId } = parsed(site, whose);
  const accepted = await acceptVoucher(voucher, {
    makerPem,
    serialNumber: board.serialNumber,
    // No session asked for it: a voucher that names one was made for another purpose.
    nonce: '',
    ownershipCounter: store.ownership.counter,
    time: time(),
  });
  const { organisation, ownershipCounter, pinnedAuthorityPem } = accepted;
  const { generateKeyPair } = await import('@loadline/sdk/identity');
  const privateKeyPem = await store.keyFor(
    gatewayId,
    organisation,
    async () => (await generateKeyPair()).privateKeyPem,
  );
  const about = { ownershipCounter, voucher: voucherDigest(voucher) };
  const checked = checkSite(site, {
    owner: { organisation, ...about, pinnedAuthorityPem, discardsUndelivered: false },
    keyOf: gatewayId,
    privateKeyPem,
    makerPem,
    time: time(),
    folder: store.stagedFolder ?? '',
  });
  await store.write(checked, { ...about, publicKey: publicKeyDigest(privateKeyPem) });
  const leftover = await store.commit(false);
  if (leftover !== undefined) log.warn('card-not-cleared', { reason: leftover.message });
  // Nobody waits at a tty for the end of it.
  await store.finish();
  const taken = {
    gateway: gatewayId,
    organisation,
    ownershipCounter,
    site: checked.digest,
    voucher: about.voucher,
  };
  await makePrivateFolder(dirname(file));
  await writeWhole(
    join(dirname(file), 'taken.json'),
    `${JSON.stringify({ version: 1, at: new Date(wall()).toISOString(), ...taken })}\n`,
    0o600,
  );
  log.info('card-taken', taken);
}

function read(bytes: Buffer): z.output<typeof cardSite> {
  return parsed(bytes.toString('utf8'), cardSite);
}

/** Not the parser's own words: they quote the text, and a secret may be in it. */
function parsed<Schema extends z.ZodType>(text: string, schema: Schema): z.output<Schema> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new Refused('site-invalid', 'what came on the card is not JSON', { cause });
  }
  const { data, error } = schema.safeParse(json);
  if (data !== undefined) return data;
  const [issue] = error?.issues ?? [];
  throw new Refused('site-invalid', `what came on the card: ${issue?.path.join('.')} ${issue?.message}`);
}
