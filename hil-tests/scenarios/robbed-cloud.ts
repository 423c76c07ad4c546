import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { socketSecret, writeSignedLine, writeTokenLine } from '@loadline/sdk/socket';
import { Caller, freshAddress } from '../inhabited/caller.ts';
import { linkUp } from '../inhabited/followers.ts';
import { elsewhere, enableFactor, type Person } from '../inhabited/person.ts';
import { inhabit, type Site } from '../inhabited/site.ts';
import { freeSocketPorts } from '../system/index.ts';
import { connectGateway, enrolIdentity } from '../system/mqtt-gateway.ts';
import { batchMaker } from './batches.ts';
import { deviceLink, post, sayLine } from './device-doors.ts';
import { filesBelow, formsOf, type Needle } from './needles.ts';
import type { Credentials } from './software-device.ts';
import { allRows, openStateDatabase } from './state-database.ts';
import { type TemporaryCloud, temporaryCloud } from './temporary-cloud.ts';

/** The unit of a sensor: it comes out of the store again, so it is in it. */
export const unit = 'kN-6f1d-seen';
/** A password that somebody tried, and that was wrong. */
export const guess = 'wrong-guess-8271-5521';
/** A device without a radio, which has delivered at every door. */
export const device = 'first-logger';

/** Bytes of a text, in the forms in which they could stand anywhere. */
export const text = (name: string, value: string) => formsOf(name, Buffer.from(value));

/** A cloud that people live in and devices deliver to, whose files are about to be stolen. */
export interface RobbedCloud {
  readonly temporary: TemporaryCloud;
  readonly site: Site;
  /** What opens something: nowhere in a log or in the database. The last ones are of the database's key. */
  readonly secrets: readonly Needle[];
  /** Every link that lies in a mail, used or not. */
  readonly links: readonly string[];
  /** A whole account of its own: second factor, recovery codes, and a session that lacks the factor. */
  readonly victim: {
    readonly person: Person;
    readonly secret: string;
    readonly recoveryCodes: readonly string[];
    readonly pending: Caller;
  };
  /** An enrolment secret of the gateway `mast-2` that is not spent yet. */
  readonly unspent: string;
  /** An application key. */
  readonly key: { readonly id: string; readonly secret: string };
  /** An API token. */
  readonly token: string;
  readonly credentials: Credentials;
  /** Every row of every table, as a thief who has the key reads them. */
  dump(): Map<string, Record<string, unknown>[]>;
  /** The database and all that the engine writes beside it. */
  databaseFiles(): string[];
  end(): Promise<void>;
}

export async function robbedCloud(): Promise<RobbedCloud> {
  const temporary = await temporaryCloud({ sockets: freeSocketPorts });
  const { cloud, state } = temporary;
  const site = await inhabit(cloud, state);
  const { chief, loot, people } = site;
  const organisation = 'first';

  // It is lived in: passwords mistaken, forgotten and changed, codes used, a factor begun, keys made.
  await new Caller({ cloud, loot }).call('logIn', { body: { email: chief.email, password: guess } });
  await new Caller({ cloud, loot }).call('logIn', {
    body: { email: 'nobody@people.example', password: guess },
  });
  await new Caller({ cloud, loot }).get('requestPasswordReset', { body: { email: people.editor.email } });
  await people.viewer.caller.get('beginSecondFactor', { body: { password: people.viewer.password } });
  const person = await site.makers.first.person('own');
  const factor = await enableFactor(person);
  const entered = await elsewhere(site, person);
  await entered.get('confirmSecondFactor', { body: { code: factor.recoveryCodes[0] ?? '' } });
  const pending = await elsewhere(site, person);
  const { id: application } = await chief.caller.get('createApplication', {
    organisation,
    body: { name: 'An application' },
  });
  const key = await chief.caller.get('createApplicationKey', {
    organisation,
    application,
    body: { name: 'key' },
  });
  (await linkUp(cloud, key, freshAddress())).close();
  const { value: token } = await people.administrator.caller.get('createToken', {
    organisation,
    body: { name: 'a token', scopes: ['all.*'], days: 1 },
  });

  const identity = await enrolIdentity(cloud, 'mast-1');
  const offered = await chief.caller.get('createDevice', { organisation, body: { id: 'mast-2' } });
  const gateway = await connectGateway(cloud.mqttPort, identity);
  const batch = batchMaker({ readings: 100, series: 4 });
  const sensor = { tag: 0x1000, name: 'Hook', unit, simulated: true };
  await gateway.publishAsync(
    'v1/gw/mast-1/reported',
    JSON.stringify({ version: 1, runtime: 'test', sensors: [sensor] }),
    { qos: 1 },
  );
  for (let count = 0; count < 20; count++) {
    await gateway.publishAsync('v1/gw/mast-1/telemetry', Buffer.from(batch()), { qos: 1 });
  }
  gateway.end(true);
  const credentials = await deliverEverywhere(temporary, site);

  await site.mails.link('password-reset', people.editor.email);
  const links = await site.mails.links();
  for (const link of links) loot.add('link', link);
  return {
    ...{ temporary, site, links, key, token, credentials },
    secrets: [...loot.needles(), ...needlesOfKeys(state)],
    victim: {
      person,
      ...factor,
      recoveryCodes: factor.recoveryCodes.slice(1),
      pending,
    },
    unspent: offered.enrolmentSecret,
    dump: () => {
      const database = openStateDatabase(state);
      const tables = allRows(database);
      database.close();
      return tables;
    },
    databaseFiles: () => filesBelow(state).filter((file) => basename(file).startsWith('loadline.db')),
    end: async () => {
      site.close();
      await temporary.end();
    },
  };
}

/** Has a device without a radio deliver by whatever it may have, also what is refused; each of its credentials was used. */
async function deliverEverywhere({ cloud }: TemporaryCloud, { chief }: Site): Promise<Credentials> {
  const organisation = 'first';
  await chief.caller.get('patchOrganisation', { organisation, body: { sockets: 'all' } });
  await chief.caller.get('createDevice', { organisation, body: { id: device, kind: 'software' } });
  const make = async (kind: keyof Credentials) =>
    await chief.caller.get('createDeviceCredential', { organisation, device, body: { kind, name: kind } });
  const credentials: Credentials = {
    token: await make('token'),
    key: await make('key'),
    'socket-token': await make('socket-token'),
    'socket-key': await make('socket-key'),
  };
  await post(cloud, credentials.token.secret);
  const link = await deviceLink(cloud, device, credentials.key);
  await link.client.publishAsync(`v1/dev/${device}/json`, '{"temp":1}', { qos: 1 });
  await link.client.publishAsync(`v1/dev/${device}/json`, 'no json', { qos: 1 });
  link.close();
  const named = [{ name: 'temp', value: 21.5 }];
  const signing = {
    id: credentials['socket-key'].id,
    secret: socketSecret(credentials['socket-key'].secret),
  };
  const lines = [
    writeTokenLine(credentials['socket-token'].secret, named, 'a'),
    `LL1 ${credentials['socket-token'].secret} temp=no-reading`,
    writeSignedLine(signing, 1, named),
    // Other readings under a counter that was used: kept as refused.
    writeSignedLine(signing, 1, [{ name: 'temp', value: 22 }]),
  ];
  for (const line of lines) await sayLine(cloud, 'tcp', line);
  // One that is to take the place of another, and was not used yet.
  await make('token');
  return credentials;
}

function needlesOfKeys(state: string): Needle[] {
  const rings = JSON.parse(readFileSync(join(state, 'keys.json'), 'utf8')).rings as Record<
    string,
    { key: string }[]
  >;
  return [
    ...Object.values(rings)
      .flat()
      .flatMap(({ key }) => [
        ...text('a key of keys.json', key),
        ...formsOf('the bytes of a key of keys.json', Buffer.from(key, 'base64url')),
      ]),
    ...formsOf(
      'the database key',
      Buffer.from(readFileSync(join(state, 'database.key'), 'utf8').trim(), 'hex'),
    ),
  ];
}
