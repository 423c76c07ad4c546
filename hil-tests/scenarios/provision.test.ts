// @long
// @time-limit 240 s
// A board becomes a gateway: the shipped tool, a cable, the shipped gateway, a real cloud.
import { createHash, verify, X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { recordToSign } from '@loadline/sdk/provisioning';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../rig/index.ts';
import { modeOf } from './needles.ts';
import { type ToolEnd, Workbench } from './workbench.ts';

const test = suite('provisioning over a cable');

let bench: Workbench;
let token: string;
let end: ToolEnd;

const id = 'bench-1';

test.before(async () => {
  bench = await Workbench.prepare();
  token = await bench.token('technician');
  await bench.startGateway();
});
test.after(async () => {
  await bench.close();
});

test('a board that is nobody’s becomes a gateway that delivers, by one command', async () => {
  end = await bench.provision(await bench.siteFile(id), token);
  assert.is(end.code, 0, `${JSON.stringify(end.result)} ${end.errors}`);
  assert.equal(
    end.events.filter(({ state }) => state === 'done').map(({ step }) => step),
    ['own', 'hear', 'key', 'certificate', 'write', 'read', 'commit', 'trial', 'record', 'keep', 'close'],
  );
  assert.is(end.events.at(-1), end.result);
  const tag = (end.result as { reading?: { tag: string } } | undefined)?.reading?.tag ?? '';
  assert.ok(['25DF', '25E0'].includes(tag), tag);
  await bench.stored(id, 20);
  const { items } = await bench.cloud.organisation.listSeries({ query: { device: id } });
  assert.ok(
    items.some(({ name, unit }) => name === 'Wind' && unit === 'm/s'),
    JSON.stringify(items),
  );
});

test('the cloud has the record, signed by the key of the certificate that the gateway works with', async () => {
  const { items } = await bench.cloud.organisation.listProvisionings({ device: id });
  const [{ record, signature, serialNumber } = assert.unreachable() as never] = items;
  const said = JSON.parse(record);
  assert.equal(
    [serialNumber, said.where, said.technician, said.result, said.certificate],
    ['SIM-0001', 'a bench, 53.54 N 9.97 E', 'token technician', 'provisioned', end.result?.fingerprint],
  );
  const certificate = new X509Certificate(readFileSync(`${bench.site}/current/state/gateway.crt`));
  assert.ok(verify('sha256', recordToSign(record), certificate.publicKey, Buffer.from(signature, 'base64')));
  const key = certificate.publicKey.export({ type: 'spki', format: 'der' });
  assert.is(createHash('sha256').update(key).digest('hex'), said.publicKey);
  const path = String(end.result?.record);
  assert.equal([JSON.parse(readFileSync(path, 'utf8')).record, modeOf(path)], [record, 0o600]);
});

test('after that it answers on the cable no more, until somebody does the physical act', async () => {
  await until(() =>
    bench.gateway.log.some(({ event, state }) => event === 'provisioning-mode' && state === 'closed'),
  );
  const { path } = bench.cable.left;
  const silent = await bench.start(['provision', 'find', '--port', path]).ended;
  assert.is(silent.code, 1);
  assert.match(silent.errors, /no gateway on .*: nothing came within 8 s; look at the cable/);
  await bench.reopenMode();
  const found = await bench.start(['provision', 'find', '--port', path]).ended;
  assert.is(found.code, 0);
  assert.match(found.errors, /provisioned; bench-1 of first, certificate until 2/);
});

test('run again, it sees a reading through and keeps a record, and changes nothing else', async () => {
  const again = await bench.provision(await bench.siteFile(id), token);
  assert.is(again.code, 0, JSON.stringify(again.result));
  assert.equal(again.events.find(({ event }) => event === 'plan')?.steps, [
    'own',
    'compare',
    'trial',
    'record',
    'keep',
    'close',
  ]);
  assert.is(again.result?.fingerprint, end.result?.fingerprint);
});

test('ordered otherwise it is left as it is, and that is no success', async () => {
  await bench.reopenMode();
  const more = '\n[[sensors]]\ntag = "25E0"\nname = "Gust"\nunit = "m/s"\n';
  const { code, result } = await bench.provision(await bench.siteFile(id, more), token);
  assert.equal([code, result?.step], [1, 'compare'], JSON.stringify(result));
  assert.match(String(result?.says), 'not as ordered: sensors;');
});

test('written anew it has other sensors, the same id, and all of its readings', async () => {
  // The mode is still open: the one before was refused.
  const before = await bench.stored(id, 1);
  const more = '\n[[sensors]]\ntag = "25E0"\nname = "Gust"\nunit = "m/s"\n';
  const anew = await bench.provision(await bench.siteFile(id, more), token, ['--rewrite']);
  assert.is(anew.code, 0, JSON.stringify(anew.result));
  assert.is(anew.events.find(({ event }) => event === 'plan')?.kind, 'again');
  await bench.stored(id, before + 10);
  await until(async () => {
    const { items } = await bench.cloud.organisation.listSeries({ query: { device: id } });
    return items.some(({ name }) => name === 'Gust');
  });
});

test('a passphrase goes to the gateway, and is in nothing that comes back or is told', async () => {
  await bench.reopenMode();
  const passphrase = 'correct horse battery';
  writeFileSync(bench.file('quay.secret'), `${passphrase}\n`, { mode: 0o600 });
  const wifi = '\n[network]\nwifi = { ssid = "quay", country = "DE", passphrase_file = "quay.secret" }\n';
  const secret = await bench.provision(await bench.siteFile(id, wifi), token, ['--rewrite']);
  assert.is(secret.code, 0, JSON.stringify(secret.result));
  const { fromTool, fromGateway } = bench.passed;
  // Frames of the link stuff zeros only, so text crosses as it is.
  assert.ok(fromTool.includes(passphrase), 'the search finds what is there');
  assert.not.ok(fromGateway.includes(passphrase));
  assert.not.ok(bench.printed.join('\n').includes(passphrase));
  const { items } = await bench.cloud.organisation.listProvisionings({ device: id });
  assert.not.ok(JSON.stringify(items).includes(passphrase));
});

test('a label says what it is, from the cloud or from the record, and holds no secret', async () => {
  const ofCloud = await bench.start(['provision', 'label', '--device', id], token).ended;
  assert.is(ofCloud.code, 0, ofCloud.errors);
  assert.match(ofCloud.out, /Bench bench-1\nbench-1\n(S\/N SIM-0001\n)?First organisation\nlocalhost:\d+\n$/);
  const record = String(end.result?.record);
  const words = ['provision', 'label', '--from', record, '--url', bench.cloud.url, '--format', 'svg'];
  const ofRecord = await bench.start(words).ended;
  assert.match(ofRecord.out, 'S/N SIM-0001');
  for (const { out } of [ofCloud, ofRecord]) assert.not.ok(out.includes(token));
  assert.is((await bench.start(['provision', 'label']).ended).code, 2);
});

test('what is called wrongly is told before anything is touched', async () => {
  const path = bench.file('wrong.toml');
  writeFileSync(path, '[gateway]\nid = "Bench 1"\n');
  const { code, result } = await bench.provision(path, token);
  assert.equal([code, result?.result], [2, 'called-wrongly']);
  assert.match(String(result?.says), /wrong\.toml:2: gateway\.id must be/);
  const secret = bench.file('wifi.secret');
  writeFileSync(secret, 'correct horse\n', { mode: 0o644 });
  const wifi = '\n[network]\nwifi = { ssid = "quay", country = "DE", passphrase_file = "wifi.secret" }\n';
  const exposed = await bench.provision(await bench.siteFile('wifi-1', wifi), token);
  assert.is(exposed.code, 2);
  assert.match(String(exposed.result?.says), 'others can read it: chmod 600');
  assert.is((await bench.start(['provision', '--port', bench.cable.left.path], token).ended).code, 2);
});

test.run();
