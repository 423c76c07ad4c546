export { type ChainCheck, type Claim, chainFault, type JudgedAt } from './chain.ts';
export { presentedChain } from './presented.ts';
