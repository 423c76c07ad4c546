import { rekey } from './rekey.ts';

/** Changes the key of a folder, and is killed before a step: for the test beside this file. */
const [folder = '', old = '', next = '', kill = ''] = process.argv.slice(2);

await rekey(folder, { old, next, where: 'file' }, (step) => {
  if (step === Number(kill)) process.kill(process.pid, 'SIGKILL');
});
