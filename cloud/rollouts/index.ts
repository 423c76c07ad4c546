export { GatewayUpdates, type GatewayView } from './gateway-updates.ts';
export { usualHaltLimits } from './health.ts';
export { Rollouts, type RolloutView, unheardIn } from './rollouts.ts';
