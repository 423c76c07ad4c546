export { applyNetwork } from './apply-network.ts';
export { deviceTree } from './board.ts';
export { resetSite, runSite, type SiteOptions, type SiteProcess } from './run.ts';
