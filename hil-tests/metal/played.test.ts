// @long
// @time-limit 600 s
// Scenarios on ports that another process made, played as a user plays them.
// SIMULATED: ptys stand for adapters, and a process of this machine for a gateway elsewhere. No metal was near.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundlePath, leanStart } from '@loadline/device-runtime';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { publishedScenarios } from '../hil/published.ts';
import { runScenarios } from '../hil/run.ts';
import { Workbench } from '../scenarios/workbench.ts';
import { CloudProcess, Service } from '../system/index.ts';
import { type FarSide, type ForeignPorts, startFarSide } from './far-side/start.ts';
import { prepareMetal } from './prepare.ts';

const test = suite('scenarios on ports of another process');

const loadline = fileURLToPath(new URL('../../tools/main.ts', import.meta.url));

let folder: string;
const farSides: ForeignPorts[] = [];
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loadline-played-'));
});
test.after(async () => {
  for (const one of farSides) await one.end();
  await rm(folder, { recursive: true });
});

async function far(
  name: string,
  what: Omit<Extract<FarSide, { kind: 'cable' }>, 'folder'> | { kind: 'base-station' },
) {
  const started = await startFarSide({ ...what, folder: join(folder, name) });
  farSides.push(started);
  return started.paths as [string, string];
}

interface Told {
  readonly code: number;
  readonly scenarios: Readonly<Record<string, string>>;
  readonly errors: string;
}

/** `loadline hil` with these words; what became of each scenario, and why one was skipped. */
async function hil(words: readonly string[], environment: Record<string, string> = {}): Promise<Told> {
  const args = [
    ...process.execArgv,
    loadline,
    'hil',
    ...words,
    '--json',
    '--artefacts',
    join(folder, 'left'),
  ];
  return await new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      args,
      { env: { ...process.env, ...environment } },
      (_, stdout, errors) => {
        const all = stdout === '' ? [] : (JSON.parse(stdout) as { scenarios: Outcome[] }).scenarios;
        const scenarios = Object.fromEntries(
          all.map(({ name, result, reason, problem }) => [
            name,
            [result, reason ?? problem].join(' ').trim(),
          ]),
        );
        resolve({ code: child.exitCode ?? -1, scenarios, errors });
      },
    );
  });
}

interface Outcome {
  readonly name: string;
  readonly result: string;
  readonly reason?: string;
  readonly problem?: string;
}

test('back to back: the adapter is unplugged by the kernel; what a real one cannot is skipped by name', async () => {
  const authorized = join(folder, 'authorized');
  await writeFile(authorized, '1');
  const [port, gateway] = await far('loop', { kind: 'cable', wires: 'crossed', authorized });
  const names = ['noisy-line', 'renumbered', 'replug'];
  const results = await runScenarios(
    publishedScenarios().filter(({ name }) => names.includes(name)),
    {
      bench: {
        kind: 'metal',
        metal: { kind: 'loop', port, gateway, baud: 115_200, unplugging: { by: 'usb', file: authorized } },
      },
      seed: 1,
      jobs: 1,
      artefacts: join(folder, 'left'),
      signal: new AbortController().signal,
      onReport: () => {},
      onResult: () => {},
    },
  );
  assert.equal(
    results.map(({ name, outcome }) => [name, outcome]),
    [
      ['noisy-line', { result: 'passed' }],
      [
        'renumbered',
        {
          result: 'skipped',
          reason: 'needs adapters: the adapter is real: there is one of it, under the names that it has',
        },
      ],
      ['replug', { result: 'passed' }],
    ],
  );
});

test('a base station is told by what it sends; what needs a simulated radio is skipped', async () => {
  const [port] = await far('base', { kind: 'base-station' });
  const { code, scenarios, errors } = await hil([
    'on-the-air',
    'noisy-line',
    '--port',
    port,
    '--base-station',
  ]);
  assert.equal(scenarios, {
    'on-the-air': 'passed',
    'noisy-line': 'skipped needs simulated-radio: the radio is real, and says what is on the air',
  });
  assert.is(code, 0);
  assert.match(
    errors,
    /a T24 base station at 115200 baud: [\s\S]*tag 25DF, base address 3: \d+ frames, -\d+ dB/,
  );
});

test('a gateway elsewhere is asked on its console, and says what it hears to who has a voucher', async () => {
  const board = join(folder, 'board');
  await mkdir(board);
  const cloud = await CloudProcess.start({ state: join(folder, 'cloud') });
  const authority = join(board, 'authority.pem');
  await writeFile(authority, cloud.authorityPem);
  await writeFile(join(board, 'serial-number'), 'SIM-0009\n');
  await writeFile(join(board, 'model'), 'Simulated board\n');
  const [port, radioPort] = await far('radio', { kind: 'cable', wires: 'crossed' });
  const [ours, itsConsole] = await far('console', { kind: 'cable', wires: 'crossed' });
  const elsewhere = new Service({
    name: 'gateway',
    file: bundlePath,
    args: [
      ...['--site', join(board, 'site'), '--provision-on', itsConsole, '--radio-on', radioPort],
      ...['--maker', authority, '--model', join(board, 'model')],
      ...['--serial-number', join(board, 'serial-number')],
    ],
    ...leanStart,
  });
  try {
    await elsewhere.line('provisioning-port-open');
    const words = ['elsewhere-answers', 'elsewhere-hears', 'noisy-line', '--port', port];
    const where = ['--gateway', `console:${ours}`];
    const nobody = { LOADLINE_URL: '', LOADLINE_TOKEN: '' };
    const stranger = await hil([...words, ...where], nobody);
    const out = 'the gateway is elsewhere, and its console does not show it';
    assert.equal(stranger.scenarios, {
      'elsewhere-answers': 'passed',
      'elsewhere-hears':
        'skipped needs console-owner: no voucher can be had: set LOADLINE_URL and LOADLINE_TOKEN, as for loadline provision',
      'noisy-line': `skipped needs site: ${out}`,
    });
    assert.match(stranger.errors, /Simulated board SIM-0009 answers on .*unprovisioned\n/);
    assert.match(stranger.errors, /whether it hears what is sent is not known/);

    const { value: token } = await cloud.organisation.createToken({
      body: { name: 'bench', scopes: ['vouchers.create'], days: 1 },
    });
    cloud.service.watchFor(token, 'the token');
    const owner = { LOADLINE_URL: cloud.url, LOADLINE_TOKEN: token, LOADLINE_AUTHORITY: authority };
    const told = await hil(['elsewhere-hears', '--port', port, ...where], owner);
    assert.equal([told.code, told.scenarios], [0, { 'elsewhere-hears': 'passed' }], told.errors);
    assert.match(told.errors, `it hears on ${radioPort} what is sent here into ${port}`);

    // The other end's port is not its radio's: nothing that is sent there is heard, at any speed.
    const [loose] = await far('loose', { kind: 'cable', wires: 'crossed' });
    const choice = { kind: 'console', port: loose, console: ours, baud: 115_200 } as const;
    const unheard = await prepareMetal(choice, owner).catch(({ message }: Error) => message);
    assert.match(
      String(unheard),
      /the gateway hears nothing .* at any speed; its ports are .*swap TX and RX/,
    );
  } finally {
    await elsewhere.stop();
    await cloud.service.stop();
  }
});

test('a gateway elsewhere that works is asked as well, once its mode is open', async () => {
  const bench = await Workbench.prepare({ patience: 60_000, wait: 20 });
  try {
    const [port, itsPort] = await far('works', { kind: 'cable', wires: 'crossed' });
    await bench.startGateway();
    const token = await bench.token('bench');
    // The reading that its provisioning waits for is of the first, which has a radio.
    const ports = [
      `[[ports]]\nname = "radio"\npath = "${bench.radioPort.path}"\n`,
      `[[ports]]\nname = "other"\npath = "${itsPort}"\n`,
    ];
    const { code, errors } = await bench.provision(await bench.siteFile('mast-9', ports.join('\n')), token);
    assert.is(code, 0, errors);
    await bench.reopenMode();
    const words = ['--port', port, '--gateway', `console:${bench.cable.left.path}`];
    const told = await hil(['elsewhere-answers', 'elsewhere-hears', ...words], bench.as(token));
    assert.equal(told.scenarios, { 'elsewhere-answers': 'passed', 'elsewhere-hears': 'passed' });
    assert.match(told.errors, /provisioned as mast-9 of first/);
    assert.match(told.errors, `it hears on ${itsPort} what is sent here into ${port}`);
  } finally {
    await bench.close();
  }
});

test('what is wrong with wires, ports and words is said before anything is played', async () => {
  const [left, right] = await far('straight', { kind: 'cable', wires: 'straight' });
  const silent = await hil(['noisy-line', '--port', left, '--gateway', `local:${right}`]);
  assert.equal([silent.code, silent.scenarios], [1, {}]);
  assert.match(silent.errors, /no byte comes across .*TX and RX may be swapped/);
  const wrong = await hil(['noisy-line', '--port', left]);
  assert.equal([wrong.code, wrong.scenarios], [2, {}]);
  assert.match(wrong.errors, /nothing says what is behind/);
});

test.run();
