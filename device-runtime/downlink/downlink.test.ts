import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { limits, type ResultMessage } from '@loadline/sdk/contract';
import { jsonLog } from '@loadline/sdk/platform';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Downlink } from './downlink.ts';
import { clip, readJson, Trickle } from './hostile.ts';
import { command, noon } from './test-commands.ts';
import { message, type Named, own, temporaryFolder, until } from './test-desired.ts';

const test = suite('downlink');

let temporary: ReturnType<typeof temporaryFolder>;
test.before.each(() => {
  temporary = temporaryFolder();
});
test.after.each(() => temporary.remove());

function bench() {
  const results: ResultMessage[] = [];
  const applied: string[] = [];
  const logged: string[] = [];
  const events: string[] = [];
  const downlink = new Downlink<Named>({
    state: temporary.folder,
    own,
    check: ({ name }) => ({ config: { name: String(name) } }),
    apply: async ({ name }) => void applied.push(name),
    onChange: () => {},
    execute: {
      report: async () => 'sent',
      transmit: async () => 'sent',
      'reset-derived': async () => 'reset',
    },
    publish: async (_channel, json) => {
      results.push(JSON.parse(json));
      return true;
    },
    time: () => ({ kind: 'known', by: 'cloud', wall: noon, uncertainty: 1 }),
    monotonic: () => 0,
    onEvent: ({ code }) => events.push(code),
    log: jsonLog((line) => logged.push(line), Date.now),
  });
  return { downlink, results, applied, logged, events };
}

const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));

test('takes a configuration and a command, and keeps both for the owner alone', async () => {
  const { downlink, results, applied, events } = bench();
  assert.is(await downlink.open(), own);
  downlink.received('desired', bytes(message('r1')));
  downlink.received('command', bytes(command(1)));
  await until(() => applied.length === 1 && results.length === 1);
  downlink.confirmed();
  await until(() => events.includes('config-applied'));
  assert.is(downlink.configuration().revision, 'r1');
  downlink.connected();
  downlink.stop();
  assert.equal(readdirSync(temporary.folder).sort(), ['commands.json', 'desired.json']);
  for (const name of ['commands.json', 'desired.json']) {
    assert.is(statSync(join(temporary.folder, name)).mode & 0o777, 0o600);
  }
});

test('what is too long, too deep, no JSON or no UTF-8 is logged, a few times, and nothing else', async () => {
  const { downlink, results, applied, logged, events } = bench();
  await downlink.open();
  const deep = `{"version":1,"revision":"r","configuration":{"x":${'['.repeat(20_000)}${']'.repeat(20_000)}}}`;
  const payloads = [
    Buffer.alloc(limits.messageBytes + 1, 0x20),
    Buffer.from(deep),
    Buffer.from('{"version":1'),
    Buffer.from([0x22, 0xff, 0xfe, 0x22]),
    Buffer.alloc(0),
  ];
  for (let again = 0; again < 200; again++) {
    for (const payload of payloads) {
      downlink.received('desired', payload);
      downlink.received('command', payload);
    }
  }
  fc.assert(
    fc.property(
      fc.uint8Array(),
      fc.constantFrom('desired' as const, 'command' as const),
      (payload, channel) => downlink.received(channel, payload),
    ),
  );
  await new Promise(setImmediate);
  assert.equal([results, applied, events], [[], [], []]);
  assert.ok(logged.length > 0 && logged.length <= 60, `${logged.length}`);
  assert.match(logged[0] ?? '', /"desired-malformed".*65537 bytes/);
});

test('a state folder that cannot be used keeps nothing from starting', async () => {
  const { downlink, results, applied } = bench();
  mkdirSync(join(temporary.folder, 'desired.json'));
  mkdirSync(join(temporary.folder, 'commands.json.new'));
  mkdirSync(join(temporary.folder, 'commands.json.new', 'x'));
  assert.is(await downlink.open(), own);
  downlink.received('desired', bytes(message('r1')));
  downlink.received('command', bytes(command(1)));
  await until(() => results.length === 1 && downlink.configuration().last?.outcome === 'refused');
  assert.is(results[0]?.outcome, 'refused');
  assert.equal(applied, []);
  downlink.stop();
  rmSync(join(temporary.folder, 'commands.json.new'), { recursive: true });
});

test('text is cut to bytes between characters', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.nat(40), (text, most) => {
      const cut = clip(text, most);
      assert.ok(Buffer.byteLength(cut) <= most);
      assert.ok(text.toWellFormed().startsWith(cut));
      assert.ok(Buffer.byteLength(cut) > most - 4 || cut === text.toWellFormed());
    }),
  );
});

test('depth is counted in tables, not in brackets of text', () => {
  assert.ok(readJson(bytes({ text: '['.repeat(1000) })).ok);
  assert.ok(readJson(Buffer.from(`${'['.repeat(32)}${']'.repeat(32)}`)).ok);
  assert.not.ok(readJson(Buffer.from(`${'['.repeat(33)}${']'.repeat(33)}`)).ok);
});

test('a trickle lets a burst through, then one in ten seconds, and counts the others', () => {
  const trickle = new Trickle();
  const passed = Array.from({ length: 100 }, () => trickle.pass(5000)).filter(Boolean).length;
  assert.is(passed, 20);
  assert.is(trickle.pass(14_999), undefined);
  assert.equal(trickle.pass(15_000), { held: 81 });
  assert.is(trickle.pass(15_000), undefined);
});

test.run();
