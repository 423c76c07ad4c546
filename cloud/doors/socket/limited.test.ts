import { writeSignedLine } from '@loadline/sdk/socket';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { usualLimits } from '../../limits/index.ts';
import { LineClient, openSite } from './test-site.ts';

test('a line that is one too many is answered with ERR 429 and the seconds, and counts once it is sent again', async () => {
  const limits = { ...usualLimits, burstSeconds: 1, device: { messagesPerSecond: 2 } };
  const site = await openSite('all', { limits });
  // Nothing flows into the bucket while the cloud waits for its disk, or this machine for a processor.
  site.clock.stop();
  try {
    const client = LineClient.tcp(site);
    const { secret } = await site.make('socket-token');
    const answers = await client.ask(...Array.from({ length: 6 }, () => `LL1 ${secret} temp=1`));
    assert.equal(answers.slice(0, 2), ['OK 1', 'OK 1']);
    const limited = answers.filter((answer) => answer === 'ERR 429 1');
    assert.is(limited.length, 4, answers.join());
    const { deliveries } = await site.ledger();
    assert.equal([deliveries.received, deliveries.rejected], [answers.length - limited.length, 0]);
    client.close();

    // A counter that was put off is not spent.
    const key = await site.key('other');
    const signed = LineClient.tcp(site);
    const line = (counter: number) => writeSignedLine(key, counter, [{ name: 'temp', value: counter }]);
    const said = await signed.ask(line(1), line(2), line(3), line(4));
    assert.match(said.at(-1) ?? '', /^ERR 429 1/);
    site.clock.offset += 1000;
    assert.match((await signed.ask(line(4)))[0] ?? '', /^OK 1/);
    signed.close();

    await site.accounting.flush();
    const usage = await site.store.read('usage', {
      ...{ organisation: 'first', by: 'device', per: 'total', from: 0, to: 1e6, limit: 9 },
    });
    const logger = usage.find(({ subject }) => subject === site.device('logger').id);
    assert.equal([logger?.readings, logger?.limited], [answers.length - limited.length, limited.length]);
  } finally {
    await site.close();
  }
});

test.run();
