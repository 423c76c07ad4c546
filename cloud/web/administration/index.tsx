import type { ComponentType } from 'preact';
import type { Api, Session, Standing } from '../api.ts';
import type { FleetView, OrganisationView } from '../views.ts';
import { Applications } from './applications.tsx';
import { FleetAudit, OrganisationAudit } from './audit.tsx';
import { FleetBlocks, OrganisationBlocks } from './blocks.tsx';
import { Devices } from './devices.tsx';
import { Operators, Organisations } from './fleet.tsx';
import { Grants } from './grants.tsx';
import { Customers, Departments } from './named.tsx';
import { People } from './people.tsx';
import { Policies } from './policies.tsx';
import { Roles } from './roles.tsx';
import { Releases } from './rollouts.tsx';
import type { FleetScene, Scene } from './scene.ts';
import { Tokens } from './tokens.tsx';
import { FleetUsage, OrganisationUsage } from './usage.tsx';

/** The administration: a file of its own, so that the dashboard is small. */

const organisationViews: Record<OrganisationView, ComponentType<Scene>> = {
  people: People,
  devices: Devices,
  departments: Departments,
  customers: Customers,
  roles: Roles,
  tokens: Tokens,
  applications: Applications,
  policies: Policies,
  grants: Grants,
  usage: OrganisationUsage,
  audit: OrganisationAudit,
  blocks: OrganisationBlocks,
};

const fleetViews: Record<FleetView, ComponentType<FleetScene>> = {
  organisations: Organisations,
  operators: Operators,
  releases: Releases,
  usage: FleetUsage,
  audit: FleetAudit,
  blocks: FleetBlocks,
};

interface OrganisationProps {
  readonly api: Api;
  readonly session: Session;
  readonly standing: Standing;
  readonly view: OrganisationView;
  readonly item: string;
}

export function InOrganisation({ view, ...rest }: OrganisationProps) {
  const View = organisationViews[view];
  const { standing } = rest;
  return (
    <View
      key={view}
      {...rest}
      organisation={standing.organisation.id}
      may={(scope) => standing.scopes.includes(scope)}
    />
  );
}

interface FleetProps {
  readonly api: Api;
  readonly session: Session;
  readonly view: FleetView;
}

export function InFleet({ view, ...rest }: FleetProps) {
  const View = fleetViews[view];
  return <View key={view} {...rest} />;
}
