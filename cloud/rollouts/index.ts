export { type GatewayChange, GatewayUpdates, type GatewayView } from './gateway-updates.ts';
export { usualHaltLimits } from './health.ts';
export { Rollouts, type RolloutView, type Shelf } from './rollouts.ts';
export { compareVersions } from './versions.ts';
