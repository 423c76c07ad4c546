// @long
// Another program reads the port as well, and takes bytes away: it is named in the event, in the ledger and by the doctor.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../rig/index.ts';
import { counterFrame, countsIn } from './counter.ts';
import { Site } from './site.ts';

const test = suite('port held');

let site: Site;
let rival: ChildProcess;
let rivalTook = 0;

/** What a getty or a forgotten terminal does: it opens the port without asking for its lock, and reads. */
async function startRival(device: string): Promise<ChildProcess> {
  const child = spawn('cat', [device], { stdio: ['ignore', 'pipe', 'inherit'] });
  child.stdout.on('data', ({ length }: Buffer) => {
    rivalTook += length;
  });
  const opened = () =>
    readdirSync(`/proc/${child.pid}/fd`).some((fd) => {
      try {
        return readlinkSync(`/proc/${child.pid}/fd/${fd}`) === device;
      } catch {
        return false;
      }
    });
  await until(opened, { what: 'the rival has the port open' });
  return child;
}

test.before(async () => {
  site = await Site.prepare();
  rival = await startRival(site.port.device ?? '');
  site.startGateway();
  await site.gateway.line('port-open');
  await site.gateway.line('uplink-connected');
});

test.after(async () => {
  rival.kill();
  await site.close();
});

test('it is named by name, pid and command, in the event and in the ledger', async () => {
  const { detail, subject, level } = await site.said('port-held');
  assert.equal([subject, level], ['radio', 'error']);
  assert.match(String(detail), `cat (pid ${rival.pid}: cat ${site.port.device})`);
  const { health } = await site.accountWhere('trouble', (_, { ports }) => ports[0]?.trouble !== undefined);
  assert.match(health?.ports[0]?.trouble ?? '', `cat (pid ${rival.pid}`);
  assert.is(health?.ports[0]?.open, true);
  assert.ok((await site.events()).includes('port-held radio'));
});

test('what it takes is missing, and what the gateway got is accounted for', async () => {
  const frame = counterFrame(0x3a10, 0);
  for (let value = 0; value < 200; value++) await site.port.write(counterFrame(0x3a10, value));
  await site.port.drained();
  const { stored, health } = await site.accountWhere(
    'every byte is somewhere',
    (run, { ports, readings }) =>
      (ports[0]?.bytes ?? 0) + rivalTook === 200 * frame.length &&
      ports[0]?.heldBytes === 0 &&
      run.stored === readings,
  );
  assert.is((health?.ports[0]?.frameBytes ?? 0) / frame.length, stored);
  const counts = countsIn(site.readings());
  assert.equal(
    counts,
    counts.toSorted((a, b) => a - b),
  );
  assert.is(new Set(counts).size, stored);
});

test('the doctor names it and says what to do', async () => {
  const { code, findings } = await site.doctor();
  const found = findings.find(({ about }) => about === 'port-held radio');
  assert.match(found?.says ?? '', `pid ${rival.pid}`);
  assert.match(found?.act ?? '', 'stop the program that is named');
  assert.is(code, 2);
});

test('when it has been stopped and the adapter replugged, all is well', async () => {
  rival.kill();
  await once(rival, 'exit');
  await site.port.unplug();
  await site.said('port-lost');
  await site.port.replug();
  await site.said('port-open', 2);
  const before = countsIn(site.readings()).length;
  await site.port.write(counterFrame(0x3a10, 1000));
  const { health } = await site.stored(before + 1);
  assert.equal([health?.ports[0]?.open, health?.ports[0]?.trouble], [true, undefined]);
  const { findings } = await site.doctor();
  assert.not(
    findings.some(({ about }) => about.startsWith('port')),
    JSON.stringify(findings),
  );
});

test.run();
