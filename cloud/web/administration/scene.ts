import type { OrganisationScope } from '@loadline/sdk/api';
import type { Api, Session, Standing } from '../api.ts';

/** What a view of an organisation is given. */
export interface Scene {
  readonly api: Api;
  readonly session: Session;
  readonly standing: Standing;
  /** Id of the organisation. */
  readonly organisation: string;
  /** What of it is shown; empty for all. */
  readonly item: string;
  /** Whether the caller has this scope here. What is out of his reach the cloud refuses. */
  readonly may: (scope: OrganisationScope) => boolean;
}

/** What a view of the fleet is given. */
export interface FleetScene {
  readonly api: Api;
  readonly session: Session;
}
