export { applyNetwork } from './apply-network.ts';
export { deviceTree } from './board.ts';
export { networkPlaces } from './network.ts';
export { resetSite, runSite, type SiteProcess } from './run.ts';
