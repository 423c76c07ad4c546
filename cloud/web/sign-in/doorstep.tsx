import type { ComponentChildren } from 'preact';

interface Props {
  readonly heading?: string;
  readonly notice?: string;
  readonly children: ComponentChildren;
}

/** Where somebody stands who is not in yet. */
export function Doorstep({ heading, notice, children }: Props) {
  return (
    <main class="doorstep">
      <div class="doorstep-box">
        <h1>Loadline</h1>
        {heading !== undefined && <h2>{heading}</h2>}
        {notice !== undefined && notice !== '' && (
          <p class="notice" role="alert">
            {notice}
          </p>
        )}
        {children}
      </div>
    </main>
  );
}
