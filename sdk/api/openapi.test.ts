import { Validator } from '@seriousme/openapi-schema-validator';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Operation, openApi, operations } from './index.ts';

const test = suite('the description of the API');

interface Described {
  readonly operationId: string;
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly required: boolean }[];
  readonly security: readonly Record<string, unknown>[];
  readonly responses: Record<string, { readonly $ref?: string }>;
}

const document = openApi() as {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, Described>>;
  readonly components: { readonly responses: Record<string, unknown> };
};
const described = new Map(
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, one]) => [one.operationId, { path, method, ...one }] as const),
  ),
);

function describedAs(id: string) {
  const found = described.get(id);
  if (found === undefined) throw new Error(`${id} is not described`);
  return found;
}

test('is OpenAPI 3.1, as a validator of that sees it', async () => {
  const validator = new Validator();
  const result = await validator.validate(structuredClone(document));
  assert.is(result.valid, true, JSON.stringify(result.errors, null, 2));
  assert.is(validator.version, '3.1');
  const broken = structuredClone(document) as { paths: Record<string, unknown> };
  broken.paths['/session'] = { get: { responses: 1 } };
  assert.is((await new Validator().validate(broken)).valid, false, 'the validator can say no');
});

test('says the same whenever it is asked, and all of it in JSON', () => {
  assert.equal(JSON.parse(JSON.stringify(openApi())), document);
});

test('has every operation once, where it is', () => {
  assert.equal([...described.keys()].sort(), Object.keys(operations).sort());
  for (const [id, { method, path }] of Object.entries<Operation>(operations)) {
    assert.is(describedAs(id).method, method.toLowerCase(), id);
    assert.is(describedAs(id).path.replace(/[{}]/g, ''), path.replaceAll(':', ''), id);
  }
});

test('names each parameter of a path, as one that must be there', () => {
  for (const [id, { path, parameters }] of described) {
    const inPath = parameters.filter((one) => one.in === 'path');
    assert.equal(
      inPath.map(({ name }) => `{${name}}`),
      path.match(/\{[a-z]+\}/g) ?? [],
      id,
    );
    assert.ok(inPath.every(({ required }) => required));
  }
});

test('asks for no query parameter that has a default', () => {
  const { parameters } = describedAs('getReadings');
  assert.equal(
    parameters.filter((one) => one.in === 'query').map(({ name, required }) => [name, required]),
    [
      ['from', true],
      ['to', true],
      ['points', false],
    ],
  );
});

test('says what opens each: nothing, a session, or a token too', () => {
  const ways = (id: string) => describedAs(id).security.flatMap((one) => Object.keys(one));
  assert.equal(ways('logIn'), []);
  assert.equal(ways('changePassword'), ['session']);
  assert.equal(ways('listOrganisations'), ['session']);
  assert.equal(ways('listDevices'), ['session', 'token']);
});

test('has a success and the refusals of each', () => {
  for (const [id, { status, refuses = [] }] of Object.entries<Operation>(operations)) {
    const { responses } = describedAs(id);
    assert.ok(responses[status], id);
    const refusals = Object.values(responses).map(
      ({ $ref = '' }) => document.components.responses[$ref.slice(23)],
    );
    for (const code of refuses) assert.match(JSON.stringify(refusals), `"${code}"`, id);
  }
});

test.run();
