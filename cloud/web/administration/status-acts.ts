import type { Stage } from '../parts/stage.tsx';
import type { ItemAct } from '../parts/table.tsx';

interface Subject {
  readonly name: string;
  readonly status: 'active' | 'inactive' | 'revoked';
  readonly mayPatch: boolean;
  readonly mayDelete: boolean;
  /** What happens then, in words. */
  readonly deactivated: string;
  readonly revoked: string;
  readonly setStatus: (status: 'active' | 'inactive') => Promise<void>;
  readonly revoke: () => Promise<void>;
}

/** What can be done with a token or a key: it is deactivated, activated again, and revoked for good. */
export function statusActs(stage: Stage, subject: Subject): readonly (ItemAct | false)[] {
  const { name, status, mayPatch, mayDelete, deactivated, revoked, setStatus, revoke } = subject;
  return [
    status === 'active' &&
      mayPatch && {
        label: 'Deactivate',
        run: () =>
          stage.confirm({
            title: `Deactivate ${name}?`,
            text: deactivated,
            act: 'Deactivate',
            run: () => setStatus('inactive'),
          }),
      },
    status === 'inactive' &&
      mayPatch && {
        label: 'Activate',
        run: () =>
          stage.confirm({
            title: `Activate ${name}?`,
            act: 'Activate',
            isDangerous: false,
            run: () => setStatus('active'),
          }),
      },
    status !== 'revoked' &&
      mayDelete && {
        label: 'Revoke',
        isDangerous: true,
        run: () => stage.confirm({ title: `Revoke ${name}?`, text: revoked, act: 'Revoke', run: revoke }),
      },
  ];
}
