// @long
// @time-limit 300 s
// Who may not provision a board does not, and is told why: by the cloud, or by the board itself.
import { readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { provisioningScopes } from '@loadline/sdk/api';
import { Conversation, type LinkError } from '@loadline/sdk/serial-link';
import { SerialPort } from 'serialport';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Caller } from '../inhabited/caller.ts';
import { Loot } from '../inhabited/loot.ts';
import { Mails } from '../inhabited/mails.ts';
import { arrive, enter, type Person } from '../inhabited/person.ts';
import { Workbench } from './workbench.ts';

const test = suite('provisioning that is refused');

let bench: Workbench;
let token: string;
const people: Person[] = [];

test.before(async () => {
  bench = await Workbench.prepare({ wait: 2 });
  token = await bench.token('technician', provisioningScopes);
  await bench.act(true);
  await bench.startGateway();
});
test.after(async () => {
  for (const { caller } of people) caller.close();
  await bench.close();
});

/** The board says that it is nobody's. */
async function isNobodys(): Promise<void> {
  const { path } = bench.cable.left;
  const { events } = await bench.start(['provision', 'find', '--port', path, '--json']).ended;
  const found = events.find(({ event }) => event === 'gateway')?.description as
    | { state?: unknown }
    | undefined;
  assert.is(found?.state, 'unprovisioned', JSON.stringify(events));
}

const without = (scope: string) => provisioningScopes.filter((one) => one !== scope);

for (const [scope, step] of [
  ['vouchers.create', 'own'],
  ['devices.create', 'certificate'],
  ['certificates.create', 'certificate'],
] as const) {
  test(`a technician without ${scope} is refused by the cloud, and the board stays nobody's`, async () => {
    const poor = await bench.token(`without ${scope}`, without(scope));
    const { code, result } = await bench.provision(await bench.siteFile('poor-1'), poor);
    assert.equal(
      [code, result?.result, result?.code, result?.step],
      [6, 'refused-by-cloud', 'forbidden', step],
    );
    assert.match(String(result?.says), scope);
    assert.match(String(result?.act), 'docs/provisioning.md');
    await isNobodys();
  });
}

test('a technician of another organisation gets no voucher: the board is somebody else’s', async () => {
  const { cloud } = bench;
  const loot = new Loot(({ kind, value }) => cloud.service.watchFor(value, `a secret: ${kind}`));
  const operator = await enter(new Caller({ cloud, loot }), cloud.login);
  const administrator = { email: 'chief@harbour.example', name: 'Chief' };
  await operator.caller.get('createOrganisation', {
    body: { id: 'harbour', name: 'Harbour', administrator },
  });
  const town = { cloud, loot, mails: new Mails(bench.file('cloud')) };
  const harbour = await arrive(town, administrator.email);
  people.push(operator, harbour);
  const body = { name: 'harbour', scopes: [...provisioningScopes], days: 1 };
  const { value } = await harbour.caller.get('createToken', { organisation: 'harbour', body });
  const { code, result } = await bench.provision(await bench.siteFile('harbour-1'), value);
  assert.equal([code, result?.code, result?.step], [6, 'conflict', 'own']);
  assert.match(String(result?.says), "somebody else's");
  const other = await bench.provision(await bench.siteFile('harbour-1'), value, ['--organisation', 'first']);
  assert.equal([other.code, other.result?.step], [6, 'own']);
  await isNobodys();
});

test('without a login, or with a token that is no more, no cloud is asked', async () => {
  const nobody = await bench.provision(await bench.siteFile('nobody-1'));
  assert.equal([nobody.code, nobody.result?.result], [3, 'no-cloud']);
  assert.match(String(nobody.result?.says), 'loadline login');
  assert.is((await bench.provision(await bench.siteFile('nobody-1'), 'no-token')).code, 3);
});

/** A kit for a board, made now. */
async function kit(serialNumber: string, id: string): Promise<string> {
  const out = bench.file(`${id}.kit.json`);
  const words = ['provision', 'prepare', '--serial', serialNumber, '--id', id, '--out', out];
  const port = ['--uplink-host', 'localhost', '--uplink-port', String(bench.cloud.mqttPort)];
  const { code, errors } = await bench.start([...words, ...port], token).ended;
  assert.is(code, 0, errors);
  return out;
}

test('a voucher for another board is refused by the board', async () => {
  const path = await kit('SIM-0002', 'other-1');
  const own = await bench.provision(await bench.siteFile('other-1'), undefined, ['--kit', path]);
  assert.equal([own.code, own.result?.step], [1, 'own']);
  assert.match(String(own.result?.says), 'nothing for SIM-0001');
  const forged = JSON.parse(readFileSync(path, 'utf8'));
  forged.boards[0].serialNumber = bench.serialNumber;
  await writeFile(path, JSON.stringify(forged), { mode: 0o600 });
  const { code, result } = await bench.provision(await bench.siteFile('other-1'), undefined, ['--kit', path]);
  assert.equal([code, result?.code, result?.step], [5, 'voucher-refused', 'own']);
  assert.match(String(result?.says), 'SIM-0002');
  await isNobodys();
});

test('a kit that is over is not used', async () => {
  const path = await kit(bench.serialNumber, 'over-1');
  const over = { ...JSON.parse(readFileSync(path, 'utf8')), expires: '2026-01-01T00:00:00Z' };
  await writeFile(path, JSON.stringify(over), { mode: 0o600 });
  const { code, result } = await bench.provision(await bench.siteFile('over-1'), undefined, ['--kit', path]);
  assert.equal([code, result?.result], [1, 'failed']);
  assert.match(String(result?.says), 'the kit was good until 2026-01-01');
  await writeFile(path, JSON.stringify(over), { mode: 0o644 });
  await rm(path);
  await writeFile(path, JSON.stringify(over), { mode: 0o644 });
  assert.is((await bench.provision(await bench.siteFile('over-1'), undefined, ['--kit', path])).code, 2);
});

test('a voucher of another session is refused, and so is one from before the last owner', async () => {
  const port = new SerialPort({ path: bench.cable.left.path, baudRate: 115_200 });
  const ask = async <Answer>(work: (talk: Conversation) => Promise<Answer>): Promise<Answer> => {
    const talk = Conversation.over(port, { role: 'calls', capabilities: ['provisioning/1'] });
    try {
      await talk.link.ready(10_000);
      return await work(talk);
    } finally {
      await talk.close();
    }
  };
  const describe = (talk: Conversation) =>
    talk.ask('describe', {}) as Promise<{ nonce: string; ownershipCounter: number; serialNumber: string }>;
  const { nonce, ownershipCounter: counter, serialNumber } = await ask(describe);
  const { voucher } = await bench.cloud.organisation.createVoucher({
    body: { serialNumber, nonce, counter },
  });
  const refused = await ask(async (talk) => {
    assert.is.not((await describe(talk)).nonce, nonce);
    return await talk.ask('own', { voucher, discardUndelivered: false }).then(
      () => undefined,
      (error: LinkError) => error,
    );
  });
  assert.is(refused?.code, 'voucher-refused');
  assert.match(refused?.message ?? '', 'another session');
  await new Promise<void>((closed) => port.close(() => closed()));
  await isNobodys();
});

test('what passed over the cable in a whole provisioning does nothing when it is played again', async () => {
  const early = await kit(bench.serialNumber, 'early-1');
  const from = bench.passed.fromTool.length;
  const { code, result } = await bench.provision(await bench.siteFile('replayed-1'), token);
  assert.is(code, 0, JSON.stringify(result));
  const said = bench.passed.fromTool.subarray(from);
  await bench.stopGateway();
  // Even where the board has forgotten all that it knew, its counter of owners too.
  await rm(bench.site, { recursive: true });
  await bench.startGateway();
  await bench.cable.right.write(said);
  await bench.cable.right.drained();
  await isNobodys();
  assert.not.ok(bench.gateway.log.some(({ event, step }) => event === 'provisioning' && step === 'owned'));

  // The kit's voucher is from before that owner: a board that remembers refuses it.
  const again = await bench.provision(await bench.siteFile('replayed-1'), token);
  assert.is(again.code, 0, JSON.stringify([again.result, bench.gateway.log.slice(-15)]));
  await bench.reopenMode();
  const stale = await bench.provision(await bench.siteFile('early-1'), undefined, [
    '--kit',
    early,
    '--discard-undelivered',
  ]);
  assert.equal([stale.code, stale.result?.code, stale.result?.step], [5, 'voucher-refused', 'own']);
  assert.match(String(stale.result?.says), 'ownership counter');
});

test.run();
