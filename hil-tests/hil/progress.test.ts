import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Progress } from './progress.ts';

const test = suite('progress');

/** A terminal that keeps what is written to it. */
function screen(isTTY: boolean) {
  const written: string[] = [];
  return { written, isTTY, columns: 20, write: (text: string) => written.push(text) };
}

test('a terminal has one line, as wide as it is, that is replaced and taken away', () => {
  const terminal = screen(true);
  const progress = new Progress(terminal);
  progress.clear();
  progress.show('replug: when it is unplugged');
  progress.show('a\x1b[2Jb\nc');
  progress.clear();
  progress.clear();
  assert.equal(terminal.written, ['\r\x1b[Kreplug: when it is ', '\r\x1b[Kab c', '\r\x1b[K']);
});

test('what is no terminal is shown nothing', () => {
  const file = screen(false);
  const progress = new Progress(file);
  progress.show('replug');
  progress.clear();
  assert.equal(file.written, []);
});

test.run();
