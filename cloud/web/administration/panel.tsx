import type { ComponentChildren } from 'preact';
import type { Stage } from '../parts/stage.tsx';

interface Props {
  readonly title: string;
  readonly stage: Stage;
  /** What is to be known of it. */
  readonly text?: ComponentChildren;
  /** What can be done with the whole of it. */
  readonly acts?: ComponentChildren;
  readonly children: ComponentChildren;
}

/** The frame of a view of the administration. */
export function Panel({ title, stage, text, acts, children }: Props) {
  return (
    <section class="panel" aria-labelledby="panel-heading">
      {stage.view}
      <div class="panel-heading">
        <h2 id="panel-heading">{title}</h2>
        <div class="panel-acts">{acts}</div>
      </div>
      {text !== undefined && <p class="muted">{text}</p>}
      {children}
    </section>
  );
}
