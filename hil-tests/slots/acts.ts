// What a gateway does with slots, by its own code; and nothing else of what a gateway does.
import {
  confirm,
  confirmLauncher,
  layoutOf,
  readInstallResult,
  startTrial,
} from '@loadline/device-runtime/slots';
import { slotName } from '@loadline/sdk/contract';

const layout = layoutOf(process.env);
const [act] = process.argv.slice(2);
switch (act) {
  case 'switch': {
    const installed = await readInstallResult(layout);
    if (installed?.outcome !== 'installed') throw new Error('nothing is installed');
    const { slot, healthSeconds: seconds, id } = installed;
    await startTrial(layout, { slot, seconds, id });
    break;
  }
  case 'confirm':
    await confirm(layout, slotName.parse(process.env.LOADLINE_SLOT));
    await confirmLauncher(layout, process.env);
    break;
  default:
    throw new Error(`${act} is nothing that a gateway does`);
}
