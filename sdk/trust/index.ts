export { type ChainCheck, type Claim, chainFault, type JudgedAt } from './chain.ts';
export { presentedChain } from './presented.ts';
export { rootsOf, type Succession, succession, type Told, type TrustedRoot } from './succession.ts';
