export { type CommandReply, newCommandBody } from './downlink-shapes.ts';
export {
  type DeviceLimits,
  deviceLimits,
  type OrganisationLimits,
  organisationLimits,
} from './limit-shapes.ts';
export { openApi, refusalsOf, tagOfOperation } from './openapi.ts';
export type { CheckedInputOf, InputOf, Opens, Operation, ParameterNames, ReplyOf } from './operation.ts';
export { deviceReply } from './operations/devices.ts';
export { apiPrefix, type OperationId, type Operations, operations } from './operations/index.ts';
export { type ParameterName, parametersOf, pathParameters } from './parameters.ts';
export { deviceCookie, problemReply, type RefusalCode, sessionCookie, statusOf } from './problem.ts';
export {
  deviceScopes,
  expandScopes,
  type FleetScope,
  fleetScopes,
  type GatewayScope,
  gatewayScopes,
  type OrganisationScope,
  organisationScopes,
  provisioningScopes,
  type RoleName,
  roles,
  type Scope,
  type ScopePattern,
  scopePatterns,
  scopes,
} from './scopes.ts';
export { exportTypes, mostBuckets, type SeriesReply } from './series-shapes.ts';
export { type RunningReply, releasePartBytes } from './update-shapes.ts';
