export { may, standingIn } from './may.ts';
export type {
  ApplicationPrincipal,
  DevicePrincipal,
  GatewayPrincipal,
  Organisation,
  Principal,
  Reach,
  Standing,
  TokenPrincipal,
  UserPrincipal,
} from './principal.ts';
export {
  type DevicePlace,
  type MemberPlace,
  type Resource,
  reachesCustomer,
  reachesDevice,
  reachesMember,
  reachesTag,
} from './resource.ts';
export {
  grantedStanding,
  isWithin,
  type Membership,
  mayGive,
  narrowed,
  reachOf,
  standingOf,
} from './standing.ts';
