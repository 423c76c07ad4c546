import { useState } from 'preact/hooks';
import type { ItemOf } from '../api.ts';
import type { Drafts, Fields, Option } from '../parts/fields.ts';
import { Listing, useList } from '../parts/listing.tsx';
import { useStage } from '../parts/stage.tsx';
import { FilterBar } from './filter.tsx';
import { labelOf, type Options, useOptions, withNone } from './options.ts';
import { Panel } from './panel.tsx';
import type { Scene } from './scene.ts';

type Member = ItemOf<'listUsers'>;

const unfiltered = { email: '', role: '', department: '', customer: '' };

/** The people of an organisation, and what they are in it. */
export function People(scene: Scene) {
  const { api, organisation, session, may } = scene;
  const stage = useStage();
  const options = useOptions(scene, ['departments', 'customers', 'roles']);
  const [filter, setFilter] = useState(unfiltered);
  const list = useList(JSON.stringify(filter), (after) =>
    api.call('listUsers', { organisation, query: { ...filter, after } }),
  );

  const takeIn = (): void =>
    stage.ask({
      title: 'Take somebody in',
      text: 'Who is new gets a mail with a link to set a password, good for 7 days; who has an account accepts at the next login.',
      fields: {
        email: { kind: 'text', type: 'email', label: 'E-mail' },
        name: { kind: 'text', label: 'Name' },
        ...membershipFields(options),
      },
      act: 'Take in',
      async run({ email, name, ...membership }) {
        await api.call('createUser', { organisation, body: { email, name, ...bodyOf(membership) } });
        list.reload();
      },
    });

  const change = (member: Member): void =>
    stage.ask({
      title: `Change what ${member.name} is`,
      fields: membershipFields(options, member),
      act: 'Change',
      async run(membership) {
        await api.call('patchUser', { organisation, user: member.id, body: bodyOf(membership) });
        list.reload();
      },
    });

  return (
    <Panel
      title="People"
      stage={stage}
      acts={
        options.isReady &&
        may('users.create') && (
          <button type="button" onClick={takeIn}>
            Take somebody in
          </button>
        )
      }
    >
      <FilterBar
        filters={{
          email: { kind: 'text', label: 'E-mail' },
          role: { kind: 'choice', label: 'Role', options: options.roles },
          department: { kind: 'choice', label: 'Department', options: options.departments },
          customer: { kind: 'choice', label: 'Customer', options: options.customers },
        }}
        onChange={setFilter}
      />
      <Listing
        title="People"
        list={list}
        idOf={({ id }) => id}
        empty="There is nobody."
        columns={[
          {
            title: 'Name',
            cell: ({ name, email, id }) => (
              <>
                {name} {id === session.id && <span class="badge">you</span>}
                <br />
                <span class="muted">{email}</span>
              </>
            ),
          },
          { title: 'Role', cell: ({ role }) => labelOf(options.roles, role) },
          { title: 'Reach', cell: (member) => reachInWords(member, options) },
          {
            title: 'Login',
            cell: ({ hasPassword, secondFactor }) => (
              <>
                {hasPassword ? 'password' : <span class="badge is-warning">not yet</span>}
                {secondFactor && ' and second factor'}
              </>
            ),
          },
        ]}
        actsOf={(member) => {
          const user = member.id;
          return [
            options.isReady && may('user.patch') && { label: 'Change', run: () => change(member) },
            !member.hasPassword &&
              may('user.invite') && {
                label: 'Invite again',
                run: () =>
                  stage.confirm({
                    title: `Invite ${member.name} again?`,
                    text: 'A new link goes out by mail; the one before ends.',
                    act: 'Send it',
                    isDangerous: false,
                    run: async () => void (await api.call('inviteUser', { organisation, user })),
                  }),
              },
            member.secondFactor &&
              user !== session.id &&
              may('user.reset-second-factor') && {
                label: 'Second factor lost',
                run: () =>
                  stage.confirm({
                    title: `Has ${member.name} lost the second factor?`,
                    text: 'Make sure that it is really this person who says so. Two administrators have to vote for it: the second vote resets it.',
                    act: 'Vote to reset it',
                    async run() {
                      const { votes, done } = await api.call('resetSecondFactor', { organisation, user });
                      list.reload();
                      if (done) stage.tell('Reset', `${member.name} logs in with the password alone now.`);
                      else
                        stage.tell(
                          'Your vote counts',
                          `${votes} of 2. Another administrator has to vote too.`,
                        );
                    },
                  }),
              },
            may('user.cut-off') && {
              label: 'Cut off',
              isDangerous: true,
              run: () =>
                stage.confirm({
                  title: `Cut ${member.name} off?`,
                  text: 'Every session and every API token of this person that is older than now ends in this organisation. The person logs in again; programs need new tokens.',
                  act: 'Cut off',
                  async run() {
                    await api.call('cutOffUser', { organisation, user });
                    if (user === session.id) api.onDoubt();
                  },
                }),
            },
            may('user.delete') && {
              label: 'End',
              isDangerous: true,
              run: () =>
                stage.confirm({
                  title: `End the membership of ${member.name}?`,
                  text: 'It ends at once, and so do this person’s API tokens in this organisation.',
                  act: 'End it',
                  async run() {
                    await api.call('deleteUser', { organisation, user });
                    list.reload();
                  },
                }),
            },
          ];
        }}
      />
    </Panel>
  );
}

const reaches = [
  { value: 'organisation', label: 'the whole organisation' },
  { value: 'departments', label: 'some departments' },
  { value: 'customer', label: 'one customer' },
] as const satisfies readonly Option[];

type Reach = (typeof reaches)[number]['value'];

const isReach =
  (reach: Reach) =>
  (drafts: Drafts): boolean =>
    drafts.reach === reach;

function membershipFields({ departments, customers, roles }: Options, member?: Member) {
  return {
    role: {
      kind: 'choice',
      label: 'Role',
      value: member?.role ?? 'viewer',
      options: roles.map((role) => ({
        ...role,
        label: role.of === 'customer' ? `${role.label} (for logins of customers)` : role.label,
      })),
    },
    reach: { kind: 'choice', label: 'For', value: member?.reach ?? 'organisation', options: reaches },
    departments: {
      kind: 'choices',
      label: 'Departments',
      hint: 'With none chosen only unassigned devices are seen, or none: that is a policy.',
      options: departments,
      value: member?.departments ?? [],
      shown: isReach('departments'),
    },
    customer: {
      kind: 'choice',
      label: 'Customer',
      options: withNone(customers, 'Choose…'),
      value: member?.customer ?? '',
      shown: isReach('customer'),
    },
  } as const satisfies Fields;
}

interface Membership {
  readonly role: string;
  readonly reach: string;
  readonly departments: readonly string[];
  readonly customer: string;
}

function bodyOf({ role, reach, departments, customer }: Membership) {
  return {
    role,
    reach: reach as Reach,
    departments: reach === 'departments' ? [...departments] : [],
    customer: reach === 'customer' && customer !== '' ? customer : null,
  };
}

function reachInWords({ reach, departments, customer }: Member, options: Options): string {
  switch (reach) {
    case 'organisation':
      return 'all';
    case 'departments':
      return departments.length === 0
        ? 'no department'
        : departments.map((id) => labelOf(options.departments, id)).join(', ');
    case 'customer':
      return customer === null ? 'no customer' : labelOf(options.customers, customer);
  }
}
