import { CopyButton } from './copy-button.tsx';

/** A secret that the cloud does not keep, under its name. */
export interface Secret {
  readonly label: string;
  readonly value: string;
}

interface Props {
  readonly text: string;
  readonly secrets: readonly Secret[];
  readonly onDone: () => void;
}

/** Secrets that are shown this once. */
export function ShownOnce({ text, secrets, onDone }: Props) {
  return (
    <div class="shown-once">
      <p>{text} Keep it now: it is shown this once.</p>
      {secrets.map(({ label, value }) => (
        <div key={label} class="secret">
          <span class="muted">{label}</span>
          <code>{value}</code>
          <CopyButton text={value} what={label} />
        </div>
      ))}
      <div class="form-acts">
        <button type="button" class="primary" onClick={onDone}>
          I have kept it
        </button>
        <button type="button" onClick={() => print()}>
          Print
        </button>
      </div>
    </div>
  );
}
