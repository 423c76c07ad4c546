import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { needs } from '@loadline/hil-tests/debian';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { makeExt } from './file-systems.ts';
import { mebibyte } from './layout.ts';
import { ExtImage, scanData, scanForKeys, scanRoot } from './scan.ts';

const test = suite('scan of an image');
