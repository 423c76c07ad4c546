import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';

interface Props {
  readonly title: string;
  readonly onClose: () => void;
  /** What is shown once must not go by a slip: neither by Escape. */
  readonly isHeld?: boolean;
  readonly children: ComponentChildren;
}

/** A dialog over the page: the browser keeps the focus in it, and gives it back after. */
export function Dialog({ title, onClose, isHeld = false, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => element?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        if (!isHeld) onClose();
      }}
      onClose={({ currentTarget }) => {
        // Browsers let nobody hold a dialog against a second Escape.
        if (!currentTarget.isConnected) return;
        if (isHeld) currentTarget.showModal();
        else onClose();
      }}
    >
      <h2 id={id}>{title}</h2>
      {children}
    </dialog>
  );
}
