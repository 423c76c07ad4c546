import { useEffect, useState } from 'preact/hooks';

/** Milliseconds that the button says what became of it. */
const SHOWN = 3_000;

/** Puts a text on the clipboard, and says whether that went well. */
export function CopyButton({ text, what }: { readonly text: string; readonly what: string }) {
  const [outcome, setOutcome] = useState('');
  useEffect(() => {
    if (outcome === '') return;
    const timer = setTimeout(() => setOutcome(''), SHOWN);
    return () => clearTimeout(timer);
  }, [outcome]);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setOutcome('Copied');
    } catch {
      setOutcome('Not allowed: select it and copy');
    }
  };
  return (
    <span class="copy">
      <button type="button" aria-label={`Copy ${what}`} onClick={() => void copy()}>
        Copy
      </button>
      <span class="copy-outcome" role="status">
        {outcome}
      </span>
    </span>
  );
}
