// @long
// @time-limit 360 s
// A gateway at work whose cloud is lost and comes back from a backup: it notices, says so, and what the lost cloud had
// acknowledged since the backup is shown as lost, to the number. It gets in again when its certificate is readmitted.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Operations, ReplyOf } from '@loadline/sdk/api';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Caller } from '../inhabited/caller.ts';
import { newPassword } from '../inhabited/person.ts';
import { until } from '../rig/index.ts';
import { startCloudService } from '../system/index.ts';
import { cloudCommand } from './cloud-command.ts';
import { Counter, countsIn } from './counter.ts';
import { loadlineBy } from './loadline-command.ts';
import { gatewayId as device, Site } from './site.ts';

const organisation = 'first';

/** How many readings each stretch has: before the backup, after it, in a run of its own, in the last run, and while there was no cloud. */
const [before, after, whole, last, away] = [50, 30, 20, 10, 40] as const;

type Ledger = ReplyOf<Operations['getLedger']>;

const numbersIn = (ranges: readonly { readonly first: number; readonly last: number }[]) =>
  ranges.flatMap(({ first, last: end }) => Array.from({ length: end - first + 1 }, (_, at) => first + at));

/** Ends the gateway's run, and begins another. */
async function startAgain(site: Site): Promise<void> {
  await site.gateway.stop();
  site.startGateway();
  await site.gateway.line('port-open');
  await site.gateway.line('uplink-connected');
}

test('a gateway notices that its cloud was restored, and what is lost is shown', async () => {
  const site = await Site.open();
  const { login, httpsPort, mqttPort, authorityPem } = site.cloud;
  const state = join(site.folder, 'cloud');
  const [backup, keys] = [join(site.folder, 'backup'), join(site.folder, 'keys')];
  const services = [];
  try {
    const counter = new Counter(site.port);
    const epochs = [await site.epoch()];
    await counter.send(before);
    await site.stored(before);
    const made = await cloudCommand('backup', '--state', state, '--to', backup, '--keys-to', keys);
    assert.is(made.code, 0, made.err);

    // Acknowledged after the backup: the end of one run, a run as a whole, and the beginning of the one that goes on.
    await counter.send(after);
    await site.stored(before + after);
    for (const count of [whole, last]) {
      await startAgain(site);
      epochs.push(await site.epoch());
      await counter.send(count);
      await site.stored(count);
    }
    const stored = site.readings();
    assert.equal(countsIn(stored).length, before + after + whole + last);

    // The machine is gone, with all that was on it.
    await site.cloud.service.stop('SIGKILL');
    await rm(state, { recursive: true });
    await counter.send(away);

    const back = await cloudCommand('restore', '--from', backup, '--keys', keys, '--state', state);
    assert.is(back.code, 0, back.err);
    const fenced = startCloudService({ state, httpsPort, mqttPort });
    services.push(fenced);
    await fenced.line('listening');
    const refused = site.gateway.log.length;
    await until(
      () =>
        site.gateway.log
          .slice(refused)
          .some(({ event, reason }) => event === 'uplink-lost' && /unavailable/i.test(String(reason))),
      {
        limitMs: 60_000,
        what: 'the gateway being refused by the fenced cloud',
      },
    );
    await fenced.stop();
    const promoted = await cloudCommand('restore', '--promote', '--state', state, '--trust', login.email);
    assert.is(promoted.code, 0, promoted.err);
    const secret = /#set-password=([\w-]+)/.exec(promoted.err + promoted.out)?.[1] ?? '';

    const service = startCloudService({ state, httpsPort, mqttPort });
    services.push(service);
    await service.line('listening');
    const chief = new Caller({ cloud: { httpsPort, authorityPem } });
    const password = newPassword();
    await chief.get('setPassword', { body: { secret, password } });
    await chief.get('logIn', { body: { email: login.email, password } });
    assert.is((await chief.get('getDevice', { organisation, device })).enabled, false);
    await chief.get('patchDevice', { organisation, device, body: { enabled: true } });

    // That it is switched on is not enough. It asks why, and says on site what is to be done.
    const told = await site.gateway.line('certificate-refused', 120_000);
    assert.match(String(told.detail), /switch the device on and readmit it/);
    const { value: token } = await chief.get('createToken', {
      organisation,
      body: { name: 'readmission', scopes: ['certificates.get', 'certificate.readmit'], days: 1 },
    });
    const readmit = await loadlineBy(
      {
        ...{ LOADLINE_URL: site.cloud.url, LOADLINE_TOKEN: token, LOADLINE_ORGANISATION: organisation },
        LOADLINE_AUTHORITY: join(state, 'authority', 'authority.pem'),
      },
      ...['device', 'certificate', 'readmit', device],
    );
    assert.is(readmit.code, 0, readmit.err);

    const noticed = await site.gateway.line('cloud-restored', 90_000);
    assert.match(String(noticed.detail), 'generation 2 of the cloud, after 1');
    const ledger = await until(
      async () => {
        const [read] = await Promise.all([
          chief.get('getLedger', { organisation, device }),
          new Promise((resolve) => setTimeout(resolve, 100)),
        ]);
        const gaps = read.epochs.flatMap((epoch) => epoch.gaps);
        const isAll = read.readings.stored >= before + away && gaps.every(({ state }) => state !== 'coming');
        return isAll ? read : undefined;
      },
      { limitMs: 60_000, what: 'all that the gateway holds' },
    );
    const { items: events } = await chief.get('listEvents', { organisation, device, query: {} });
    assert.ok(
      events.some(({ code }) => code === 'cloud-restored'),
      JSON.stringify(events),
    );

    // Its epochs are other ones than those that the copy knows: nobody takes it for its own clone.
    assert.equal((await chief.get('listAlarms', { organisation, query: {} })).items, []);

    // What is in the copy, and what came since; nothing twice, nothing else.
    const counts = countsIn(site.readings());
    const lost = after + whole + last;
    assert.equal(
      counts,
      Array.from({ length: before + lost + away }, (_, at) => at).filter(
        (count) => count < before || count >= before + lost,
      ),
    );
    assert.is(ledger.readings.stored, before + away);
    assertShown(ledger, epochs, stored);
    const checked = await cloudCommand('ledger', 'check', '--state', state);
    assert.is(checked.code, 0, checked.out);
  } finally {
    for (const service of services) await service.stop();
    await site.close();
  }
});

/** Each number that the lost cloud had stored and this one has not is in a range that is lost, and nothing that is here. */
function assertShown(ledger: Ledger, epochs: readonly string[], stored: ReturnType<Site['readings']>): void {
  for (const epoch of epochs) {
    const shown = ledger.epochs.find((one) => one.epoch === epoch);
    assert.ok(shown, `epoch ${epoch} is shown`);
    assert.ok(shown.gaps.every(({ state }) => state === 'lost'));
    const [gone, here] = [new Set(numbersIn(shown.gaps)), new Set(numbersIn(shown.received))];
    assert.ok([...gone].every((number) => !here.has(number)));
    const numbers = stored.filter((reading) => reading.epoch === epoch).map(({ number }) => number);
    assert.ok(numbers.length > 0);
    // Of the run before the one that was lost whole nobody knows its end, and that is said.
    const end = numbers.filter((number) => !gone.has(number) && !here.has(number));
    assert.equal([...end.slice(0, 1), shown.endUnknown], end.length > 0 ? [end[0], true] : [false]);
    assert.ok(end.every((number) => number > Math.max(...here, -1)));
  }
  const [first, second, third] = epochs.map((epoch) => ledger.epochs.find((one) => one.epoch === epoch));
  assert.is(first?.endUnknown, true, 'the run that the backup has a part of');
  assert.is(second?.boot, null, 'the run that is known by the one after it');
  assert.ok(numbersIn(second?.gaps ?? []).length >= whole);
  assert.ok(numbersIn(third?.gaps ?? []).length >= last, 'the beginning of the run that went on');
}

test.run();
