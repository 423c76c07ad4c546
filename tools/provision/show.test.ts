import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ProvisionEvent, ResultEvent } from './events.ts';
import { humanReport } from './show.ts';

const test = suite('what a technician reads');

function shown(event: ProvisionEvent): string {
  let text = '';
  const write = (more: string) => {
    text += more;
  };
  humanReport(write, write)(event);
  return text;
}

const refused: ResultEvent = {
  event: 'result',
  result: 'refused-by-gateway',
  exitCode: 5,
  gatewayId: 'quay-7',
  serialNumber: 'SIM-0001',
  fingerprint: null,
  reading: null,
  record: null,
  step: 'write',
  code: 'site-invalid',
  says: 'the site cannot be used\nnetwork.ntp[1] must be a host name\nenrolment.url must not carry a user',
  act: 'correct the keys',
};

test('a refusal that names several things names each in a line', () => {
  assert.equal(shown(refused).split('\n').slice(0, 3), [
    '✗ write: the site cannot be used',
    '    network.ntp[1] must be a host name',
    '    enrolment.url must not carry a user (site-invalid)',
  ]);
});

test('nothing that a gateway says moves the cursor or reaches the terminal as a command', () => {
  const says = '\x1b]0;owned\x07\x1b[2J\u009b2J\rprovisioned\u202egnihton\nprovisioned: quay-7 on SIM-0001';
  const text = shown({ ...refused, says });
  assert.not.match(text.replaceAll('\n', ''), /\p{Cc}|\p{Cf}/u);
  assert.match(text, '    provisioned: quay-7 on SIM-0001');
  assert.not.match(text, /^provisioned/m);
});

test.run();
