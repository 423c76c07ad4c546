#!/usr/bin/env node
// The published `loadline` command. Plain JavaScript: the Node that starts it may be older than the one it needs.
import { fileURLToPath } from 'node:url';
import { launch } from './launch.mjs';

launch(fileURLToPath(new URL('dist/main.js', import.meta.url)), process.argv.slice(2));
