import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fleetHref, homeHref, organisationHref, parsePlace, profileHref } from './place.ts';

const test = suite('where in the page somebody is');

test('a one-time link is told from a place, and its secret read whole', () => {
  assert.equal(parsePlace('#set-password=a%20b%26c%23%22'), {
    kind: 'link',
    link: { purpose: 'set-password', secret: 'a b&c#"' },
  });
  assert.equal(parsePlace('#setup=x=y'), { kind: 'link', link: { purpose: 'setup', secret: 'x=y' } });
  assert.equal(parsePlace('#reset-password=100%'), {
    kind: 'link',
    link: { purpose: 'reset-password', secret: '100%' },
  });
});

test('what is no purpose is no link', () => {
  assert.equal(parsePlace('#token=x'), { kind: 'home' });
  assert.equal(parsePlace('#constructor=x'), { kind: 'home' });
});

test('every address that the page makes leads where it says', () => {
  assert.equal(parsePlace(organisationHref('acme')), {
    kind: 'organisation',
    organisation: 'acme',
    view: '',
    item: '',
  });
  assert.equal(parsePlace(organisationHref('acme', 'applications', 'a/b')), {
    kind: 'organisation',
    organisation: 'acme',
    view: 'applications',
    item: 'a/b',
  });
  assert.equal(parsePlace(fleetHref('blocks')), { kind: 'fleet', view: 'blocks' });
  assert.equal(parsePlace(profileHref), { kind: 'profile' });
  assert.equal(parsePlace(homeHref), { kind: 'home' });
});

test('what nobody knows is home', () => {
  for (const text of ['', '#', '#/', '#/o', '#/o/', '#/nowhere', '#o/acme']) {
    assert.equal(parsePlace(text), { kind: 'home' }, text);
  }
});

test.run();
