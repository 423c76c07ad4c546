import { useState } from 'preact/hooks';
import { addressOf } from '../address.ts';
import type { Api, ItemOf, Page } from '../api.ts';
import { Listing, useList } from '../parts/listing.tsx';
import { useStage } from '../parts/stage.tsx';
import { Time } from '../parts/time.tsx';
import { routes } from '../routes.ts';
import { FilterBar } from './filter.tsx';
import { Panel } from './panel.tsx';
import type { FleetScene, Scene } from './scene.ts';

type Entry = ItemOf<'listAudit'>;
type Verdict = Awaited<ReturnType<typeof verdictOf>>;

const verdictOf = (api: Api, organisation: string) => api.call('verifyAudit', { organisation });

const unfiltered = { action: '', actor: '', target: '', outcome: '', from: '', to: '' };

interface Source {
  readonly load: (query: Query) => Promise<Page<Entry>>;
  readonly verify: () => Promise<Verdict>;
  /** Address of the export. */
  readonly exportAddress: string;
}

interface Query {
  readonly after: string | undefined;
  readonly action: string | undefined;
  readonly actor: string | undefined;
  readonly target: string | undefined;
  readonly outcome: 'done' | 'refused' | undefined;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

export function OrganisationAudit({ api, organisation }: Scene) {
  return (
    <Audit
      load={(query) => api.call('listAudit', { organisation, query })}
      verify={() => verdictOf(api, organisation)}
      exportAddress={addressOf(routes.exportAudit[1], { organisation })}
    />
  );
}

export function FleetAudit({ api }: FleetScene) {
  return (
    <Audit
      load={(query) => api.call('listFleetAudit', { query })}
      verify={() => api.call('verifyFleetAudit')}
      exportAddress={addressOf(routes.exportFleetAudit[1], {})}
    />
  );
}

/** Who did what, the newest first; whether the log is whole; the log to take along. */
function Audit({ load, verify, exportAddress }: Source) {
  const stage = useStage();
  const [filter, setFilter] = useState(unfiltered);
  const list = useList(JSON.stringify(filter), (after) =>
    load({
      after,
      action: orUndefined(filter.action),
      actor: orUndefined(filter.actor),
      target: orUndefined(filter.target),
      outcome: orUndefined(filter.outcome) as Query['outcome'],
      from: isoOf(filter.from),
      to: isoOf(filter.to),
    }),
  );
  return (
    <Panel
      title="Audit log"
      stage={stage}
      acts={
        <>
          <button
            type="button"
            onClick={() =>
              stage.confirm({
                title: 'Verify the log?',
                text: 'Each entry is hashed anew, with the one before it.',
                act: 'Verify',
                isDangerous: false,
                run: async () => stage.tell('Audit log', verdictInWords(await verify())),
              })
            }
          >
            Verify
          </button>
          <a class="as-button" href={exportAddress} download="audit.ndjson">
            Export
          </a>
        </>
      }
    >
      <FilterBar
        filters={{
          action: { kind: 'text', label: 'Action begins with' },
          actor: { kind: 'text', label: 'By (id)' },
          target: { kind: 'text', label: 'On (id)' },
          outcome: {
            kind: 'choice',
            label: 'Outcome',
            options: [
              { value: 'done', label: 'done' },
              { value: 'refused', label: 'refused' },
            ],
          },
          from: { kind: 'datetime-local', label: 'From' },
          to: { kind: 'datetime-local', label: 'To' },
        }}
        onChange={setFilter}
      />
      <Listing
        title="Audit log"
        list={list}
        idOf={({ sequence }) => String(sequence)}
        empty="There is no such entry."
        columns={[
          {
            title: 'Action',
            cell: ({ action, outcome, code }) => (
              <>
                {action} {outcome === 'refused' && <span class="badge is-bad">{code ?? 'refused'}</span>}
              </>
            ),
          },
          { title: 'When', cell: ({ time }) => <Time at={time} /> },
          { title: 'By', cell: ({ actor }) => <PartyName party={actor} /> },
          { title: 'On', cell: ({ target }) => target && <PartyName party={target} /> },
          {
            title: 'From',
            cell: ({ channel, source }) => (source === null ? channel : `${source} (${channel})`),
          },
          { title: 'More', cell: (entry) => <More entry={entry} /> },
        ]}
      />
    </Panel>
  );
}

function PartyName({ party: { kind, id, name } }: { readonly party: Entry['actor'] }) {
  return (
    <span title={id}>
      {kind === 'nobody' ? 'nobody' : (name ?? shortened(id))}{' '}
      {kind !== 'user' && kind !== 'nobody' && <span class="muted">{kind}</span>}
    </span>
  );
}

/** The beginning of an id that nobody knows by heart. */
function shortened(id: string): string {
  return id.length > 20 ? `${id.slice(0, 8)}…` : id;
}

/** What an entry says besides: what changed, and what is personal in it. */
function More({ entry: { sequence, before, after, personal, hash } }: { readonly entry: Entry }) {
  const rest = Object.entries({ before, after, personal }).filter(([, value]) => value != null);
  return (
    <details>
      <summary>{sequence}</summary>
      <dl>
        {rest.map(([name, value]) => (
          <>
            <dt>{name}</dt>
            <dd>
              <code>{JSON.stringify(value)}</code>
            </dd>
          </>
        ))}
        <dt>hash</dt>
        <dd>
          <code>{hash}</code>
        </dd>
      </dl>
    </details>
  );
}

function verdictInWords({ entries, head, broken }: Verdict): string {
  if (broken !== null) return `The log is broken at entry ${broken.sequence}: ${broken.why}.`;
  return `The log is whole: ${entries} entries. Its head is ${head.sequence}, ${head.hash}.`;
}

function orUndefined(text: string): string | undefined {
  return text === '' ? undefined : text;
}

/** A local time as a field has it, as the API takes it. */
function isoOf(local: string): string | undefined {
  return local === '' ? undefined : new Date(local).toISOString();
}
