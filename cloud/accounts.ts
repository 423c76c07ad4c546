import type { Log } from '@loadline/sdk/platform';
import { Authentications } from './audit/index.ts';
import { authorityFolder, hasSealed } from './authority/index.ts';
import {
  CertificateDesk,
  CertificateUses,
  CredentialBook,
  CredentialDesk,
  CredentialHolders,
} from './devices/index.ts';
import { type Keys, openKeys } from './keys/index.ts';
import { type MailConfig, Mailer } from './mail/index.ts';
import {
  Administration,
  Blocks,
  Consents,
  FactorCodes,
  FactorResets,
  Grants,
  invitations,
  Members,
  Operators,
  Organisations,
  Parts,
  PasswordChanges,
  Profiles,
  Roles,
  SecondFactors,
  Sessions,
  Setup,
  SignIn,
} from './people/index.ts';
import type { Directory } from './router/index.ts';
import type { Store } from './store/index.ts';
import {
  ApiTokens,
  ApplicationKeys,
  Applications,
  KeyHolders,
  longestTokenMilliseconds,
  TokenBearers,
  Uses,
} from './tokens/index.ts';

/** Whose tokens these are, and for what: a token of something else that has the same key is none. */
const realm = { issuer: 'urn:loadline:cloud', audience: 'urn:loadline:api' };

const dayMilliseconds = 24 * 3_600_000;

/** Milliseconds between two looks at which blocks are over, and at which alarms are due. */
const tickMilliseconds = 60_000;

export interface AccountsOptions {
  /** The state folder. */
  readonly folder: string;
  readonly keys: Keys;
  readonly store: Store;
  readonly directory: Directory;
  /** Where the page is for its users: `https://host:port`. */
  readonly page: string;
  readonly smtp: MailConfig | undefined;
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/**
 * The keys of a state folder, made where nothing needs them yet: neither the database nor what the authority has sealed.
 *
 * @throws KeysError
 */
export async function openStateKeys({
  folder,
  store,
  now,
}: Pick<AccountsOptions, 'folder' | 'store' | 'now'>): Promise<Keys> {
  const isNeeded = (await store.read('needsKeys', {})) || hasSealed(authorityFolder(folder));
  return await openKeys(folder, { now, isNew: !isNeeded, longestTokenMilliseconds });
}

/** Puts together what is about people, organisations and programs: who is who, and what proves it. */
export async function openAccounts(options: AccountsOptions) {
  const { folder, keys, store, directory, page, smtp, log, now } = options;
  const mailer = await Mailer.open({ folder, page, smtp, keys, log, now });
  const blocks = await Blocks.open({ store, keys, mailer, log, now });
  const { guard } = blocks;
  const timers = [rotateDaily(keys, log), setInterval(() => guard.tick(), tickMilliseconds).unref()];
  const sessions = new Sessions({ store, now });
  const codes = new FactorCodes({ store, keys, guard, now });
  const administration = new Administration({ store, now });
  const invite = invitations({ store, mailer, now });
  const moved = () => directory.reload();
  const uses = new Uses({ store, now });
  const authentications = new Authentications({ store, now });
  const tokenRealm = { ...realm, keys, now };
  const book = await CredentialBook.load(store);
  const applications = new Applications({ store, directory, now });
  const certificateUses = new CertificateUses({ store, directory, log, now });
  return {
    mailer,
    authentications,
    blocks,
    sessions,
    signIn: new SignIn({ store, sessions, codes, guard, mailer, now }),
    setup: new Setup({ store, now }),
    passwords: new PasswordChanges({ store, sessions, guard, mailer, now }),
    consents: new Consents({ store, now }),
    profiles: new Profiles({ store, sessions, guard, mailer, now }),
    factors: new SecondFactors({ store, keys, sessions, codes, guard, mailer, now }),
    factorResets: new FactorResets({ store, guard, mailer, now }),
    organisations: new Organisations({ store, administration, invite, changed: moved, now }),
    members: new Members({ store, administration, invite, now }),
    roles: new Roles({ store, administration, now }),
    departments: new Parts('department', { store, administration, moved }),
    customers: new Parts('customer', { store, administration, moved }),
    grants: new Grants({ store, administration, now }),
    operators: new Operators({ store, invite, now }),
    tokens: new ApiTokens({ realm: tokenRealm, store, directory }),
    bearers: new TokenBearers({ realm: tokenRealm, store, guard, uses, authentications }),
    applications,
    applicationKeys: new ApplicationKeys({ store, keys, applications, directory, now }),
    credentials: new CredentialDesk({ store, keys, book, now }),
    credentialHolders: new CredentialHolders({
      ...{ store, keys, book, directory, guard, uses, authentications, now },
    }),
    certificates: new CertificateDesk({ store, directory, now }),
    certificateUses,
    keyHolders: new KeyHolders({ store, keys, guard, uses, authentications, now }),
    /** Writes what is still to be written, and stops sending mails: those that wait go out at the next start. */
    close: async () => {
      for (const timer of timers) clearInterval(timer);
      await mailer.close();
      await Promise.all([
        ...[uses.flush(), authentications.close()],
        ...[blocks.settled(), certificateUses.close()],
      ]);
    },
  };
}

function rotateDaily(keys: Keys, log: Log): NodeJS.Timeout {
  const rotate = () => {
    keys
      .rotateByItself()
      .catch((error: Error) => log.error('key-rotation-failed', { reason: error.message }));
  };
  return setInterval(rotate, dayMilliseconds).unref();
}
