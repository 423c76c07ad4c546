// @long
// SIMULATED: base stations of another process, on ptys. Each listens to the speed that its port is set to.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { identifyBaseStation } from './air.ts';
import { type FarSide, startFarSide } from './far-side/start.ts';
import { RealPort } from './real-port.ts';

const test = suite('what a base station is known by');

type Speaker = Exclude<FarSide['kind'], 'cable'>;

async function identify(kind: Speaker, speed?: number) {
  const folder = await mkdtemp(join(tmpdir(), 'loadline-air-'));
  const far = await startFarSide({ kind, folder, ...(speed && { speed }) });
  const port = await RealPort.open(far.paths[0] ?? '');
  try {
    const station = await identifyBaseStation(port, { seconds: 2 });
    return { station, written: port.bytesWritten };
  } catch (error) {
    assert.is(port.baud, 115_200, 'left at the speed it was called with');
    return { says: (error as Error).message, written: port.bytesWritten };
  } finally {
    await port.close();
    await far.end();
    await rm(folder, { recursive: true });
  }
}

let seen: Record<string, Awaited<ReturnType<typeof identify>>>;
test.before(async () => {
  const [station, gw1, slower, banner, nobody] = await Promise.all([
    identify('base-station', 115_200),
    identify('gw1'),
    identify('base-station', 57_600),
    identify('banner'),
    identify('nobody'),
  ]);
  seen = { station, gw1, slower, banner, nobody };
});

test('a base station is known by its frames: its address, and who it hears how well', () => {
  const { driver, baud, discarded, transmitters } = seen.station?.station ?? {};
  assert.equal([driver, baud, discarded], ['t24', 115_200, 0]);
  assert.equal(
    transmitters?.map(({ tag, base }) => [tag, base]),
    [
      ['1234', 3],
      ['25DF', 3],
      ['25E0', 3],
    ],
  );
  assert.ok(
    transmitters?.every(({ frames, rssi, cv }) => frames > 0 && Number(rssi) < -20 && Number(cv) > 0),
  );
});

test('a GW1 is known by its lines', () => {
  const { driver, transmitters } = seen.gw1?.station ?? {};
  assert.is(driver, 'gw1');
  assert.ok(transmitters?.some(({ tag, base }) => tag === '25DF' && base === 0));
});

test('one that speaks at another speed is found, and the speed said', () => {
  assert.match(
    seen.slower?.says ?? '',
    /speaks at 57600 baud, and was listened to at 115200: .*--baud 57600/,
  );
});

test('a console is no base station at any speed', () => {
  assert.match(seen.banner?.says ?? '', /bytes came on .* that are no frames, at any speed/);
});

test('silence says what can be behind it', () => {
  assert.match(
    seen.nobody?.says ?? '',
    /nothing came on .* in 2 s: wake a transmitter.*TX and RX may be swapped/,
  );
});

test('nothing was sent to find that out', () => {
  assert.equal(new Set(Object.values(seen).map(({ written }) => written)), new Set([0]));
});

test.run();
