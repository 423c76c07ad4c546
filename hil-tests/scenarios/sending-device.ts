// A program that is killed: sends 1, 2, 3 … by the device client, and says each number when the client has taken it.
import { writeSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { setTimeout as elapsed } from 'node:timers/promises';
import { DeviceClient, type DeviceClientOptions } from '@loadline/sdk/client';

const { series, ...options } = JSON.parse(await text(process.stdin)) as DeviceClientOptions<
  Record<string, number>
> & {
  readonly series: string;
};
const device = await DeviceClient.open<Record<string, number>>(options);
writeSync(1, '0\n');
for (let number = 1; ; number++) {
  device.send({ [series]: number });
  writeSync(1, `${number}\n`);
  if (number % 20 === 0) await elapsed(1);
}
