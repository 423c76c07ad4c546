export { type Ability, abilities } from './ability.ts';
export { assertBalanced, elapsed } from './accounts.ts';
export type {
  Account,
  Adapters,
  Bench,
  Cloud,
  Console,
  Diagnosis,
  Gateway,
  Health,
  HeardTag,
  PortOptions,
  Radio,
  Run,
  Site,
  SiteOptions,
  StoredReading,
} from './bench.ts';
export { type Scenario, type ScenarioText, type Stage, type Step, scenario } from './scenario.ts';
export { type BenchOptions, gatewayId } from './virtual-bench.ts';
