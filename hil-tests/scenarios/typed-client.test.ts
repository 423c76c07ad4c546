// The typed client at the shipped cloud: pages, entity tags, streams, refusals, tokens.
import { CloudClient, CloudError, tagOf } from '@loadline/sdk/client';
import { gatewayTopic } from '@loadline/sdk/contract';
import { encodeBatch, type Reading } from '@loadline/sdk/telemetry';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { connectGateway, enrolIdentity } from '../system/mqtt-gateway.ts';
import { type TemporaryCloud, temporaryCloud } from './temporary-cloud.ts';

const test = suite('typed client');

let temporary: TemporaryCloud;

test.before(async () => {
  temporary = await temporaryCloud();
});
test.after(() => temporary.end());

async function refusal(call: Promise<unknown>): Promise<CloudError> {
  try {
    await call;
  } catch (error) {
    assert.instance(error, CloudError);
    return error as CloudError;
  }
  throw new Error('it was not refused');
}

test('every item of a list comes once, however small its pages are', async () => {
  const { organisation } = temporary.cloud;
  const names = ['East', 'North', 'South', 'West'];
  for (const name of names) await organisation.createDepartment({ body: { name } });
  for (const limit of [1, 3, 4, 100]) {
    const found: string[] = [];
    for await (const { name } of organisation.each('listDepartments', { query: { limit } })) found.push(name);
    assert.equal(found.sort(), names, `pages of ${limit}`);
  }
});

test('a change by who has not seen the last one is refused, where he says what he saw', async () => {
  const { organisation } = temporary.cloud;
  const { id: device } = await organisation.createDevice({ body: { id: 'mast-7' } });
  const seen = await organisation.getDevice({ device });
  const ifMatch = tagOf(seen);
  await organisation.patchDevice({ device, body: { name: 'One' } }, { ifMatch });
  const late = await refusal(organisation.patchDevice({ device, body: { name: 'Two' } }, { ifMatch }));
  assert.equal([late.status, late.code], [412, 'precondition-failed']);
  const again = await organisation.getDevice({ device });
  assert.is(again.name, 'One');
  assert.is.not(tagOf(again), ifMatch);
});

test('who follows readings hears of them by device, tag and time, and nothing is left open where he leaves', async () => {
  const { organisation } = temporary.cloud;
  const gateway = await connectGateway(
    temporary.cloud.mqttPort,
    await enrolIdentity(temporary.cloud, 'mast-8'),
  );
  const stream = await organisation.followReadings();
  const wall = Date.now() - 1000;
  const reading: Reading = {
    kind: 'reading',
    port: 'radio',
    base: 1,
    tag: 0x25df,
    aspect: 'heard',
    calibration: undefined,
    monotonic: 500,
    value: { type: 'int32', value: 42 },
    flags: 0,
    status: 0,
    quality: { kind: 'none' },
  };
  const batch = encodeBatch(
    { epoch: 'aa'.repeat(16), parent: undefined, boot: 'bb'.repeat(16), oldest: 0, first: 0, dropped: [] },
    [{ kind: 'anchor', monotonic: 0, wall, uncertainty: 1 }, reading],
  );
  await gateway.publishAsync(gatewayTopic('mast-8', 'telemetry'), Buffer.from(batch), { qos: 1 });
  gateway.end(true);
  for await (const { event, data } of stream) {
    if (event !== 'readings') continue;
    assert.equal(data, [{ device: 'mast-8', tag: '25DF', aspect: 'heard', points: [[wall + 500, 42]] }]);
    break;
  }
});

test('a token is let in without a session, as far as it goes; one that is none is not', async () => {
  const { url, authorityPem, organisation } = temporary.cloud;
  const body = { name: 'program', scopes: ['devices.get'], days: 1 };
  const { id, value } = await organisation.createToken({ body });
  const program = new CloudClient({ url, authorityPem, token: value });
  assert.is((await program.getCaller()).kind, 'token');
  const within = program.organisation(organisation.id);
  assert.is((await within.listDevices()).items.length, 2);
  const forbidden = await refusal(within.getDevice({ device: 'mast-7' }));
  assert.equal([forbidden.status, forbidden.code], [403, 'forbidden']);
  await organisation.deleteToken({ token: id });
  assert.is((await refusal(within.listDevices())).status, 401);
  const nobody = new CloudClient({ url, authorityPem, token: 'none' });
  assert.is((await refusal(nobody.getCaller())).status, 401);
  assert.equal(program.cookies, {});
});

test('the cloud describes itself as the table does', async () => {
  const { url, authorityPem } = temporary.cloud;
  const description = await new CloudClient({ url, authorityPem }).getOpenApi();
  assert.is(description.openapi, '3.1.1');
});

test.run();
