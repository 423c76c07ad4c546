import { type ComponentChildren, Fragment } from 'preact';
import { useMemo, useRef, useState } from 'preact/hooks';
import { Dialog } from './dialog.tsx';
import type { Fields, ValuesOf } from './fields.ts';
import { Form } from './form.tsx';
import { type Secret, ShownOnce } from './shown-once.tsx';

interface Question<F extends Fields> {
  readonly title: string;
  readonly text?: string;
  readonly fields: F;
  readonly act: string;
  readonly isDangerous?: boolean;
  readonly run: (values: ValuesOf<F>) => Promise<void>;
}

/** Where a view asks and tells: one dialog at a time. */
export interface Stage {
  /** What is to be drawn; null while there is nothing. */
  readonly view: ComponentChildren;
  /** Asks by a form, which goes when `run` is done: unless that has put something else there. */
  readonly ask: <const F extends Fields>(question: Question<F>) => void;
  /** Asks whether it is meant. */
  readonly confirm: (question: Omit<Question<Record<never, never>>, 'fields'>) => void;
  /** Shows what is shown once. */
  readonly showOnce: (what: { title: string; text: string; secrets: readonly Secret[] }) => void;
  /** Tells something. */
  readonly tell: (title: string, what: ComponentChildren) => void;
}

export function useStage(): Stage {
  const [shown, setShown] = useState<{ number: number; view: ComponentChildren } | undefined>();
  const number = useRef(0);
  const acts = useMemo(() => {
    const close = (which?: number): void => {
      if (which === undefined || which === number.current) setShown(undefined);
    };
    const show = (make: (mine: number) => ComponentChildren): void => {
      number.current += 1;
      setShown({ number: number.current, view: make(number.current) });
    };
    const ask: Stage['ask'] = ({ title, text, fields, act, isDangerous, run }) =>
      show((mine) => (
        <Dialog title={title} onClose={() => close(mine)}>
          {text !== undefined && <p>{text}</p>}
          <Form
            fields={fields}
            act={act}
            isDangerous={isDangerous ?? false}
            onCancel={() => close(mine)}
            onSubmit={async (values) => {
              await run(values);
              close(mine);
            }}
          />
        </Dialog>
      ));
    return {
      ask,
      confirm: (question) => ask({ isDangerous: true, ...question, fields: {} }),
      showOnce: ({ title, text, secrets }) =>
        show((mine) => (
          <Dialog title={title} isHeld onClose={() => close(mine)}>
            <ShownOnce text={text} secrets={secrets} onDone={() => close(mine)} />
          </Dialog>
        )),
      tell: (title, what) =>
        show((mine) => (
          <Dialog title={title} onClose={() => close(mine)}>
            <div>{what}</div>
            <div class="form-acts">
              <button type="button" class="primary" onClick={() => close(mine)}>
                Close
              </button>
            </div>
          </Dialog>
        )),
    } satisfies Omit<Stage, 'view'>;
  }, []);
  return useMemo(
    () => ({ ...acts, view: shown && <Fragment key={shown.number}>{shown.view}</Fragment> }),
    [acts, shown],
  );
}
