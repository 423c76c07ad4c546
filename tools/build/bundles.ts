import { buildWeb } from '@loadline/cloud/web/build';
import { buildGateway } from '@loadline/device-runtime/build';

/** Bundles the gateway and the web page, each into its package's `dist/`. */
export async function buildBundles(): Promise<void> {
  await Promise.all([buildGateway(), buildWeb()]);
}
