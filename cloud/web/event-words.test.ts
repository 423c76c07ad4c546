import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { subjectOf, whatToDo } from './event-words.ts';

const test = suite('events in words');

const series = [
  { tag: '25DF', name: 'Wind' },
  { tag: '1A2B', name: null },
];

test('a tag is called by its name where it has one', () => {
  assert.is(subjectOf('25DF', series), 'Wind');
  assert.is(subjectOf('1A2B', series), '1A2B');
  assert.is(subjectOf('FFFF', series), 'FFFF');
});

test('a port and the gateway itself stay what they are', () => {
  assert.is(subjectOf('radio', series), 'radio');
  assert.is(subjectOf('', series), '');
});

test('what is to be done is said where there is something to do', () => {
  assert.is(whatToDo({ severity: 'warning', act: 'change its battery' }), 'Change its battery.');
  assert.is(whatToDo({ severity: 'warning', act: 'nothing after a power cut' }), undefined);
  assert.is(whatToDo({ severity: 'info', act: 'nothing' }), undefined);
  assert.is(whatToDo({ severity: null, act: null }), undefined);
});

test.run();
