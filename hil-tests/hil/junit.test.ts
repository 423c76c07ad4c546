import { parseXml, XmlElement } from '@rgrove/parse-xml';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { junitXml } from './junit.ts';
import type { ScenarioResult } from './report.ts';

const test = suite('results as JUnit XML');

/** What readers take, as junit-10.xsd of Jenkins' xunit plugin has it: attributes that must and may be there, children. */
const schema: Readonly<Record<string, { must: string[]; may: string[]; children: string[] }>> = {
  testsuites: { must: [], may: ['name', 'time', 'tests', 'failures', 'errors'], children: ['testsuite'] },
  testsuite: {
    must: ['name', 'tests', 'failures', 'errors'],
    may: ['time', 'skipped', 'timestamp', 'hostname', 'id', 'package', 'group', 'file', 'log', 'url'],
    children: ['properties', 'testcase', 'system-out', 'system-err'],
  },
  properties: { must: [], may: [], children: ['property'] },
  property: { must: ['name', 'value'], may: [], children: [] },
  testcase: {
    must: ['name'],
    may: ['time', 'classname', 'group'],
    children: ['skipped', 'error', 'failure', 'system-out', 'system-err'],
  },
  failure: { must: [], may: ['type', 'message'], children: [] },
  skipped: { must: [], may: ['type', 'message'], children: [] },
  'system-out': { must: [], may: [], children: [] },
};
/** Its type SUREFIRE_TIME: no exponent, no sign. */
const time = /^(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]*)?$/;

const childrenOf = (element: XmlElement) => element.children.filter((child) => child instanceof XmlElement);

function assertValid(element: XmlElement): void {
  const { name, attributes } = element;
  const rules = schema[name];
  if (rules === undefined) throw new Error(`there is no element ${name}`);
  const { must, may, children } = rules;
  for (const one of must) assert.ok(one in attributes, `${name} has no ${one}`);
  for (const one of Object.keys(attributes)) assert.ok([...must, ...may].includes(one), `${name} has ${one}`);
  if (attributes.time !== undefined) assert.match(attributes.time, time);
  for (const child of childrenOf(element)) {
    assert.ok(children.includes(child.name), `${child.name} in ${name}`);
    assertValid(child);
  }
}

function xmlOf(results: readonly ScenarioResult[]): XmlElement {
  const xml = junitXml(results, { bench: 'virtual: simulated', seed: 1, at: new Date(0) });
  const { root } = parseXml(xml);
  if (root === null) throw new Error('there is no root');
  assertValid(root);
  return root;
}

const passed: ScenarioResult = {
  name: 'replug',
  about: 'A radio is unplugged.',
  outcome: { result: 'passed' },
  seconds: 12.3456,
  steps: [
    { kind: 'given', words: 'a gateway', seconds: 1 },
    { kind: 'then', words: 'all is stored', seconds: 1e-9 },
  ],
  output: '',
};

test('a suite is a scenario, a case is a step, and both count what failed and what was skipped', () => {
  const failed: ScenarioResult = {
    ...passed,
    name: 'broken',
    outcome: { result: 'failed', problem: 'then it is seen: no' },
    steps: [{ kind: 'then', words: 'it is seen', seconds: 1, problem: 'no\nat line 3' }],
    artefacts: { folder: 'out/broken', replay: ['loadline replay out/broken/radio.hex --speed 1'] },
  };
  const lacking: ScenarioResult = {
    ...passed,
    name: 'lacking',
    outcome: { result: 'skipped', reason: 'needs unplug: nobody is there' },
    steps: [],
  };
  const root = xmlOf([passed, failed, lacking]);
  assert.equal(
    childrenOf(root).map(({ attributes: { name, tests, failures, skipped } }) => [
      name,
      tests,
      failures,
      skipped,
    ]),
    [
      ['replug', '2', '0', '0'],
      ['broken', '1', '1', '0'],
      ['lacking', '1', '0', '1'],
    ],
  );
  const { tests, failures } = root.attributes;
  assert.equal([tests, failures], ['4', '1']);
  const [, broken, skipped] = childrenOf(root) as [XmlElement, XmlElement, XmlElement];
  const failure = childrenOf(childrenOf(broken).find(({ name }) => name === 'testcase') as XmlElement)[0];
  assert.equal([failure?.attributes.message, failure?.text], ['no', 'no\nat line 3']);
  assert.match(broken.text, 'loadline replay out/broken/radio.hex --speed 1');
  const reason = childrenOf(childrenOf(skipped).find(({ name }) => name === 'testcase') as XmlElement)[0];
  assert.is(reason?.attributes.message, 'needs unplug: nobody is there');
});

test('steps of the same words are told apart, so that no reader takes one that passed for one that failed', () => {
  const words = 'the plug is pulled';
  const again: ScenarioResult = {
    ...passed,
    outcome: { result: 'failed', problem: `when ${words}: no` },
    steps: [
      { kind: 'when', words, seconds: 1 },
      { kind: 'when', words: `${words} (2)`, seconds: 1 },
      { kind: 'when', words, seconds: 1, problem: 'no' },
    ],
  };
  const [found] = childrenOf(xmlOf([again])) as [XmlElement];
  const names = childrenOf(found).flatMap(({ attributes }) => attributes.name ?? []);
  assert.equal(names, [`when ${words}`, `when ${words} (2)`, `when ${words} (3)`]);
});

test('what failed outside of any step is a case of its own', () => {
  const dead: ScenarioResult = { ...passed, outcome: { result: 'failed', problem: 'its process ended' } };
  const [suiteOfDead] = childrenOf(xmlOf([dead]));
  assert.equal([suiteOfDead?.attributes.tests, suiteOfDead?.attributes.failures], ['3', '1']);
});

test('whatever a scenario is called, says and prints, the report stays whole, and the text readable', () => {
  const hostile = 'a <b> & "c" \'d\' ]]> \u0000\u0007\u001b[31mred\u001b[0m \ud800 \udfff \uffff \n\té 𝄞';
  const one: ScenarioResult = {
    name: hostile,
    about: hostile,
    outcome: { result: 'failed', problem: hostile },
    seconds: 0,
    steps: [{ kind: 'then', words: hostile, seconds: 0, problem: hostile }],
    output: hostile,
    artefacts: { folder: hostile, replay: [hostile] },
  };
  const [found] = childrenOf(xmlOf([one]));
  const readable = `a <b> & "c" 'd' ]]> ${'\uFFFD'.repeat(2)}red \uFFFD \uFFFD \uFFFD \n\té 𝄞`;
  assert.is(found?.attributes.name, readable);
  const testcase = childrenOf(found as XmlElement).find(({ name }) => name === 'testcase');
  const [failure] = childrenOf(testcase as XmlElement);
  assert.is(failure?.text, readable);
});

test('no result at all is a report too', () => {
  assert.equal(childrenOf(xmlOf([])), []);
});

test.run();
