import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import type { Stage } from '../parts/stage.tsx';

interface Props {
  readonly title: ComponentChildren;
  /** Where it asks and tells; left out of a panel that does neither. */
  readonly stage?: Stage;
  /** What is to be known of it. */
  readonly text?: ComponentChildren;
  /** What can be done with the whole of it. */
  readonly acts?: ComponentChildren;
  readonly children: ComponentChildren;
}

/** The frame of a view of the administration. */
export function Panel({ title, stage, text, acts, children }: Props) {
  const id = useId();
  return (
    <section class="panel" aria-labelledby={id}>
      {stage?.view}
      <div class="panel-heading">
        <h2 id={id}>{title}</h2>
        <div class="panel-acts">{acts}</div>
      </div>
      {text !== undefined && <p class="muted">{text}</p>}
      {children}
    </section>
  );
}
