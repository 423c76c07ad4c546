// @long
// A gateway that was off past the end of its certificate: let in by the organisation, or told what a technician must do.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../rig/index.ts';
import { enrolmentSecretOf } from '../system/gateway-process.ts';
import { Counter, countsIn, countsTo } from './counter.ts';
import { elapsed, gatewayId, Site } from './site.ts';

const test = suite('a certificate that has ended');

let site: Site;
let counter: Counter;
test.before(async () => {
  site = await Site.open({ certificateLife: '10s' });
  counter = new Counter(site.port);
});
test.after(() => site.close());

/** The gateway is off until its certificate has ended, and on again. */
async function offPastTheEnd(): Promise<void> {
  await counter.send(10);
  await allStored();
  await site.gateway.stop();
  const { items } = await site.cloud.organisation.listCertificates({ device: gatewayId });
  const end = Math.max(...items.map(({ expires }) => Date.parse(expires)));
  await elapsed(Math.max(0, end - Date.now()) + 2000);
  site.startGateway();
  await site.said('port-open');
  await counter.send(10);
}

async function allStored(): Promise<void> {
  await until(
    async () => {
      await elapsed(100);
      return site.readings().length >= counter.sent;
    },
    { limitMs: 40_000, what: `${counter.sent} readings are stored` },
  );
  assert.equal(
    countsIn(site.readings()).sort((one, other) => one - other),
    countsTo(counter.sent),
  );
}

async function allow(certificateGraceDays: number): Promise<void> {
  await site.cloud.client.patchOrganisation({ organisation: 'first', body: { certificateGraceDays } });
}

test('where the organisation allows it, it is back by itself, and what it heard meanwhile is delivered', async () => {
  await allow(1);
  await offPastTheEnd();
  const opened = Date.parse((await site.said('port-open')).at);
  // Nobody has told it the time yet: it is the cloud's refusals of links that it goes by.
  const { at, reason } = await site.said('certificate-given');
  assert.is(reason, 'refused');
  console.log(`has another certificate ${Date.parse(at) - opened} ms after its start`);
  await site.said('certificate-renewed');
  await allStored();
  assert.ok((await site.events()).includes('certificate-renewed'));
});

test('where it does not, log, event, status and doctor say what to do; and a secret put there brings it back', async () => {
  await allow(0);
  await offPastTheEnd();
  const said = await site.said('certificate-refused');
  const secretFile = join(site.folder, 'gateway/enrolment-secret');
  assert.match(String(said.detail), /403.*ended at .*lets no certificate be renewed after its end/);
  assert.match(String(said.detail), `Put a new enrolment secret into ${secretFile}`);
  const { code, findings } = await site.doctor();
  assert.is(code, 2);
  const found = findings.find(({ about }) => about === 'certificate-refused');
  assert.ok(found?.act.includes('enrolment.secret_file'), JSON.stringify(findings));
  assert.ok(found?.says.includes(`Put a new enrolment secret into ${secretFile}`));
  // It tries on, patiently: the door is asked a few times, not hundreds.
  assert.ok(site.gateway.log.filter(({ event }) => event === 'renewal-failed').length < 20);
  assert.ok(!site.gateway.log.some(({ event }) => event === 'uplink-connected'));

  const secret = await enrolmentSecretOf(site.cloud.organisation, gatewayId);
  site.cloud.service.watchFor(secret, 'an enrolment secret');
  site.gateway.watchFor(secret, 'an enrolment secret');
  const put = Date.now();
  writeFileSync(secretFile, `${secret}\n`, { mode: 0o600 });
  await site.said('certificate-renewed');
  console.log(`back ${Date.now() - put} ms after the secret was put there`);
  await allStored();
  assert.ok((await site.events()).includes('certificate-refused'));
  const after = await site.doctor();
  assert.not.ok(after.findings.some(({ about }) => about.startsWith('certificate-')));
});

test.run();
