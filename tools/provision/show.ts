import { printable } from '../cloud/columns.ts';
import type { ProvisionEvent, Report, ResultEvent } from './events.ts';
import { signalText } from './signal.ts';
import { trialWords } from './words.ts';

/** What a person reads: `tell` gets what goes on, `conclude` how it ended. */
export function humanReport(tell: (text: string) => void, conclude: (text: string) => void): Report {
  let heard = '';
  let trial = '';
  return (event) => {
    const lines = linesOf(event).flatMap(asLines);
    if (event.event === 'heard') {
      // Once a second the same is no news.
      const names = event.tags.map(({ tag }) => tag).join();
      if (names === heard) return;
      heard = names;
    }
    if (event.event === 'trial') {
      if (lines.join() === trial) return;
      trial = lines.join();
    }
    const write = event.event === 'result' ? conclude : tell;
    for (const line of lines) write(`${line}\n`);
  };
}

/** What is wrong with a site is a list, and stays one. Indented, so that no gateway can make a line of the tool's own. */
function asLines(text: string): string[] {
  return text.split(/\r?\n/).map((line, at) => printable(at === 0 ? line : `    ${line}`));
}

function linesOf(event: ProvisionEvent): string[] {
  switch (event.event) {
    case 'gateway':
      return gatewayLines(event.port, event.description);
    case 'plan':
      return [];
    case 'step':
      return event.state === 'begun'
        ? [`… ${event.step}: ${event.says}`]
        : [`✓ ${event.step}: ${event.says}`];
    case 'heard':
      return event.tags.map((tag) => `  heard ${tag.tag} = ${tag.value}, signal ${signalText(tag)}`);
    case 'trial':
      return [`  ${trialWords[event.step]}${event.detail === '' ? '' : `: ${event.detail}`}`];
    case 'note':
      return [`  ${event.says}`];
    case 'result':
      return resultLines(event);
  }
}

/** What a gateway says of itself. */
function gatewayLines(
  port: string,
  description: Extract<ProvisionEvent, { event: 'gateway' }>['description'],
): string[] {
  const { model, serialNumber, runtime, node, system, state, gateway, ports, undelivered } = description;
  const was = state === 'unprovisioned' ? 'was ' : '';
  const owner =
    gateway === null
      ? 'never had an owner'
      : `${was}${gateway.id} of ${gateway.organisation}${endOf(gateway.expires)}`;
  return [
    `gateway on ${port}: ${model}, serial number ${serialNumber}`,
    `  runtime ${runtime}, node ${node}, ${system}`,
    `  ${state}; ${owner}${undelivered === 0 ? '' : `; ${undelivered} readings not delivered`}`,
    ...ports.map(({ path, holder }) => `  radio may be on ${path}${holder === null ? '' : `: ${holder}`}`),
  ];
}

function endOf(expires: number | null): string {
  return expires === null ? '' : `, certificate until ${new Date(expires).toISOString().slice(0, 10)}`;
}

function resultLines(result: ResultEvent): string[] {
  const { gatewayId, serialNumber, fingerprint, reading, record, says, act, step, code } = result;
  const failed =
    says === null
      ? []
      : [`✗ ${step === null ? '' : `${step}: `}${says}${code === null ? '' : ` (${code})`}`, `  ${act}`];
  const what = headline[result.result];
  return [
    ...failed,
    `${what}${gatewayId === null ? '' : `: ${gatewayId} on ${serialNumber}`}`,
    ...(fingerprint === null ? [] : [`  certificate ${fingerprint}`]),
    ...(reading === null ? [] : [`  first reading: ${reading.tag}, number ${reading.number}, acknowledged`]),
    ...(record === null ? [] : [`  record ${record}`]),
  ];
}

const headline: Readonly<Record<ResultEvent['result'], string>> = {
  provisioned: 'provisioned',
  reset: 'reset',
  failed: 'not provisioned',
  'called-wrongly': 'not provisioned',
  'no-cloud': 'not provisioned',
  staged: 'staged: it enrols by itself when it first has a network',
  'refused-by-gateway': 'not provisioned: the gateway refused',
  'refused-by-cloud': 'not provisioned: the cloud refused',
  'not-delivered': 'provisioned, and nothing was delivered yet',
  'record-not-kept': 'provisioned; its record is not at the cloud yet',
};

/** What a program reads: a line of JSON an event. */
export function jsonReport(write: (text: string) => void): Report {
  return (event) => write(`${JSON.stringify(event)}\n`);
}
