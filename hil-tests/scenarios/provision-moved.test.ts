// @long
// @time-limit 300 s
// A gateway changes hands, and is made nobody's: what becomes of readings that were not delivered. And its key is looked for
// in everything that passed.
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { provisioningScopes } from '@loadline/sdk/api';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Caller } from '../inhabited/caller.ts';
import { Loot } from '../inhabited/loot.ts';
import { Mails } from '../inhabited/mails.ts';
import { arrive, enter, type Person } from '../inhabited/person.ts';
import { FaultProxy, until } from '../rig/index.ts';
import { foundInDatabase, pemLines, privateKeyNeedles } from './key-search.ts';
import { foundBelow, foundIn, type Needle } from './needles.ts';
import { Workbench } from './workbench.ts';

const test = suite('a gateway that changes hands');

let bench: Workbench;
let token: string;
let harbourToken: string;
let way: FaultProxy;
const people: Person[] = [];
/** Keys that the board has made, in all forms. */
const keys: Needle[] = [];

test.before(async () => {
  bench = await Workbench.prepare({ wait: 2 });
  token = await bench.token('technician', provisioningScopes);
  const { cloud } = bench;
  way = await FaultProxy.open({ target: { port: cloud.mqttPort } });
  const loot = new Loot(({ kind, value }) => cloud.service.watchFor(value, `a secret: ${kind}`));
  const operator = await enter(new Caller({ cloud, loot }), cloud.login);
  const administrator = { email: 'chief@harbour.example', name: 'Chief' };
  await operator.caller.get('createOrganisation', {
    body: { id: 'harbour', name: 'Harbour', administrator },
  });
  const harbour = await arrive({ cloud, loot, mails: new Mails(bench.file('cloud')) }, administrator.email);
  people.push(operator, harbour);
  const body = { name: 'harbour', scopes: [...provisioningScopes], days: 1 };
  harbourToken = (await harbour.caller.get('createToken', { organisation: 'harbour', body })).value;
  await bench.act(true);
  await bench.startGateway();
});
test.after(async () => {
  for (const { caller } of people) caller.close();
  await way.close();
  await bench.close();
});

/** What the board says of itself. */
async function described(): Promise<Record<string, unknown>> {
  const { path } = bench.cable.left;
  const { events } = await bench.start(['provision', 'find', '--port', path, '--json']).ended;
  const found = events.find(({ event }) => event === 'gateway');
  if (found === undefined) throw new Error(`nobody answers: ${JSON.stringify(events)}`);
  return found.description as Record<string, unknown>;
}

function keepKey(): void {
  keys.push(...privateKeyNeedles('a key', readFileSync(`${bench.site}/current/state/gateway.key`, 'utf8')));
}

test('what an owner did not get is told before his gateway is given away, and is never the next one’s', async () => {
  const site = await bench.siteFile('first-1', '', 'first.toml');
  const text = readFileSync(site, 'utf8').replace(`port = ${bench.cloud.mqttPort}`, `port = ${way.port}`);
  await writeFile(site, text);
  const first = await bench.provision(site, token);
  assert.is(first.code, 0, JSON.stringify(first.result));
  keepKey();
  await way.set({ newConnections: 'refuse' });
  way.reset();
  await bench.reopenMode();
  await until(async () => Number((await described()).undelivered) > 20, {
    limitMs: 60_000,
    what: 'readings wait',
  });

  const conflict = await bench.provision(await bench.siteFile('harbour-1'), harbourToken);
  assert.is(conflict.code, 1);
  assert.match(String(conflict.result?.says), /holds \d+ readings of first-1 of first, which would be lost/);
  const owned = await bench.provision(await bench.siteFile('harbour-1'), harbourToken, [
    '--discard-undelivered',
  ]);
  assert.equal([owned.code, owned.result?.code], [6, 'conflict'], 'the board is the first owner’s still');
  await bench.cloud.organisation.releaseUnit({ unit: bench.serialNumber });

  const moved = await bench.provision(await bench.siteFile('harbour-1'), harbourToken, [
    '--discard-undelivered',
  ]);
  assert.is(moved.code, 0, JSON.stringify(moved.result));
  assert.is(moved.events.find(({ event }) => event === 'plan')?.kind, 'move');
  keepKey();
  const { caller: harbour } = people[1] as Person;
  const of = { organisation: 'harbour', device: 'harbour-1' };
  const { readings } = await harbour.get('getLedger', of);
  assert.ok(readings.stored > 0);
  const { epoch } = (first.result as { reading: { epoch: string } } | undefined)?.reading ?? { epoch: '' };
  assert.is((await harbour.call('getRun', { ...of, epoch })).status, 404, 'nothing of the owner before');
});

test('a reset says what is lost, and leaves a board that is nobody’s and remembers how often it was somebody’s', async () => {
  await bench.reopenMode();
  const { ownershipCounter } = await described();
  const { path } = bench.cable.left;
  const words = ['provision', 'reset', '--port', path, '--json'];
  const unsure = await bench.start(words, harbourToken).ended;
  assert.is(unsure.code, 2, 'nobody can be asked, and --yes was not said');
  const { code, events, result } = await bench.start([...words, '--yes'], harbourToken).ended;
  assert.equal([code, result?.result], [0, 'reset'], JSON.stringify(result));
  assert.ok(events.some(({ says }) => /it is nobody's; \d+ readings/.test(String(says))));
  const after = await described();
  assert.is(after.state, 'unprovisioned');
  assert.is(after.ownershipCounter, ownershipCounter, 'vouchers from before stay of no use');
  const again = await bench.provision(await bench.siteFile('harbour-2'), harbourToken);
  assert.is(again.code, 0, JSON.stringify(again.result));
  keepKey();
});

test('none of its keys passed over the cable, or is in what the cloud keeps, or in any log', async () => {
  const { fromTool, fromGateway } = bench.passed;
  assert.ok(fromTool.length > 10_000 && fromGateway.length > 10_000);
  const chain = readFileSync(`${bench.site}/current/state/gateway.crt`, 'utf8');
  const [line] = pemLines('its certificate', chain);
  assert.ok(line && foundIn(Buffer.from(chain), [line]).length > 0, 'the search finds what is there');
  await bench.stopGateway();
  assert.equal(foundIn(fromTool, keys), []);
  assert.equal(foundIn(fromGateway, keys), []);
  assert.equal(foundIn(Buffer.from(bench.printed.join('\n')), keys), []);
  assert.equal(foundBelow(bench.file('cloud'), keys), []);
  assert.equal(foundInDatabase(bench.file('cloud'), keys), []);
  assert.equal(foundBelow(bench.file('home'), keys), []);
  assert.is(keys.length > 100, true);
});

test.run();
