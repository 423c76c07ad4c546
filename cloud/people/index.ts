export {
  Administration,
  type Editor,
  type Entry,
  type FleetEditor,
  type Refusal,
  type Result,
  refused,
} from './administration.ts';
export { Blocks, type EndOfBlock, type NamedBlock } from './blocks.ts';
export { Consents } from './consents.ts';
export { Enrolments } from './enrolments.ts';
export { FactorCodes, factorContext } from './factor-codes.ts';
export { FactorResets } from './factor-resets.ts';
export { Grants } from './grants.ts';
export { invitations } from './invitations.ts';
export { linkUrl, makeLink } from './links.ts';
export { type Member, Members } from './members.ts';
export { Operators } from './operators.ts';
export { Organisations } from './organisations.ts';
export { Parts } from './parts.ts';
export { PasswordChanges } from './password-changes.ts';
export { type Place, placesOf } from './principals.ts';
export { Profiles } from './profiles.ts';
export { Roles } from './roles.ts';
export { actsForWhole, type Role } from './rules.ts';
export { SecondFactors } from './second-factors.ts';
export { Sessions } from './sessions.ts';
export { Setup } from './setup.ts';
export { type SignedIn, SignIn } from './sign-in.ts';
export type { Unproven, Visitor } from './visitor.ts';
