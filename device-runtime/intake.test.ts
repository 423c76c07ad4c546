import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeFrame, encodePacket } from '@loadline/sdk/t24';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseConfig } from './config/index.ts';
import { Intake, readDerivedState } from './intake.ts';
import type { World } from './world.ts';

const test = suite('intake');

let folder = '';
let now = 0;
let intake: Intake;
/** Gives the line its next bytes. */
let bring: (bytes: Uint8Array) => void = () => {};

test.before.each(async () => {
  folder = mkdtempSync(join(tmpdir(), 'loadline-intake-'));
  now = 1000;
  intake = new Intake({
    config: configured(),
    drivers: [],
    world: world(),
    restored: undefined,
    onEntries: () => {},
    onBound: () => {},
    onEvent: () => {},
    onChange: () => {},
  });
  intake.open();
  await until(() => intake.ports[0]?.open === true);
});

test.after.each(async () => {
  await intake.stop();
  rmSync(folder, { recursive: true });
});

/** A sensor of which nothing ever becomes due, so that no timer runs. */
function configured() {
  const text = `
[gateway]
id = "mast-1"
state = "${folder}"
[uplink]
host = "localhost"
authority = "authority.pem"
[[ports]]
name = "radio"
path = "/dev/null"
[[sensors]]
tag = "25DF"
name = "Load"
unit = "t"
[[derived]]
tag = "D001"
name = "Highest"
unit = "t"
kind = "peak"
of = "Load"
`;
  return parseConfig(text, join(folder, 'gateway.toml')).config;
}

/** A line that brings what it is told to: what a port may be is hil-tests' concern. */
function world(): World {
  const line = {
    isOpen: true,
    read: async (buffer: Buffer, offset: number) => {
      const bytes = await new Promise<Uint8Array>((resolve) => {
        bring = resolve;
      });
      buffer.set(bytes, offset);
      return { buffer, bytesRead: bytes.length };
    },
    close: async () => {
      line.isOpen = false;
    },
  };
  const silent = () => {};
  return {
    binding: { open: async () => line, list: async () => [] } as unknown as World['binding'],
    clock: { boot: '', monotonic: () => now, wall: () => 0 },
    log: { info: silent, warn: silent, error: silent },
    random: () => 0,
    environment: {},
    pid: 1,
  };
}

async function hear(value: number): Promise<void> {
  const { frames } = intake.frames;
  const packet = { kind: 'dataProvider', flags: 0, tag: 0x25df, status: 0, dataType: 3 } as const;
  const content = { ...packet, value: { type: 'int32', value }, rssi: 0xfb, cv: 0xe8 } as const;
  bring(encodeFrame(1, encodePacket(content)));
  await until(() => intake.frames.frames > frames);
}

async function until(holds: () => boolean): Promise<void> {
  for (const limit = performance.now() + 30_000; !holds(); ) {
    if (performance.now() > limit) throw new Error('waited 30 s in vain');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

const kept = (): number | undefined => {
  try {
    return JSON.parse(readFileSync(join(folder, 'derived.json'), 'utf8')).series[0].kept;
  } catch {
    return undefined;
  }
};

test('a peak is kept once a minute, though no timer runs', async () => {
  await hear(7);
  now += 30_000;
  await hear(8);
  assert.is(kept(), undefined);
  now += 31_000;
  await hear(9);
  await until(() => kept() === 9);
});

test('a reset is on disk before it is said to be done', async () => {
  await hear(7);
  await hear(3);
  await intake.resetDerived({ kind: 'reset-derived', tag: 0xd001 });
  assert.is(kept(), 3);
});

test('a state that cannot be read is said to be lost', async () => {
  const said: string[] = [];
  const log = { info: () => {}, error: () => {}, warn: (event: string) => said.push(event) };
  const config = configured();
  assert.is(await readDerivedState(config, log), undefined);
  assert.equal(said, []);
  await intake.stop();
  writeFileSync(join(folder, 'derived.json'), '{"version":1');
  assert.is(await readDerivedState(config, log), undefined);
  assert.equal(said, ['derived-state-lost']);
});

test.run();
