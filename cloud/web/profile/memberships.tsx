import type { Api, Session } from '../api.ts';
import type { Stage } from '../parts/stage.tsx';

interface Props {
  readonly api: Api;
  readonly session: Session;
  readonly stage: Stage;
  readonly onChanged: () => Promise<void>;
}

/** The organisations one is a member of, each to be left. */
export function Memberships({ api, session, stage, onChanged }: Props) {
  const own = session.standings.filter(({ grantedUntil }) => grantedUntil === null);
  return (
    <section class="panel" aria-labelledby="memberships-heading">
      <h2 id="memberships-heading">Organisations</h2>
      {own.length === 0 && <p>You are a member of none.</p>}
      {own.map(({ organisation: { id, name }, role }) => (
        <div key={id} class="panel-acts">
          <b>{name}</b>
          <span class="muted">{role}</span>
          <button
            type="button"
            class="is-dangerous"
            aria-label={`Leave ${name}`}
            onClick={() =>
              stage.confirm({
                title: `Leave ${name}?`,
                text: 'Nothing of it opens to you any more, and the API tokens that you made there end. Only its administrators can invite you again.',
                act: 'Leave',
                async run() {
                  await api.call('leaveOrganisation', { organisation: id });
                  await onChanged();
                },
              })
            }
          >
            Leave
          </button>
        </div>
      ))}
    </section>
  );
}
