// @long
// @time-limit 180 s
// A board becomes a gateway: the shipped tool, a cable, the shipped gateway, a real cloud.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Workbench } from './workbench.ts';

const test = suite('provisioning over a cable');

let bench: Workbench;

test.before(async () => {
  bench = await Workbench.prepare();
  await bench.startGateway();
});
test.after(async () => {
  await bench.close();
});

test('a board that is nobody’s becomes a gateway that delivers, by one command', async () => {
  const token = await bench.token('technician');
  const { code, result, errors, events } = await bench.provision(await bench.siteFile('bench-1'), token);
  for (const event of events) console.log(JSON.stringify(event));
  assert.is(code, 0, `${JSON.stringify(result)} ${errors}`);
});

test.run();
