import { useState } from 'preact/hooks';
import { CopyButton } from './copy-button.tsx';
import { generatePassword } from './generate-password.ts';

interface Props {
  readonly id: string;
  readonly value: string;
  readonly describedBy: string;
  readonly onInput: (value: string) => void;
}

/** Where a password is chosen: typed, or generated, which is shown, since it is to be kept somewhere. */
export function NewPassword({ id, value, describedBy, onInput }: Props) {
  const [isShown, setIsShown] = useState(false);
  const generate = (): void => {
    onInput(generatePassword());
    setIsShown(true);
  };
  const common = {
    id,
    value,
    autocomplete: 'new-password',
    autocapitalize: 'none',
    spellcheck: false,
    required: true,
    minLength: 15,
    maxLength: 256,
    'aria-describedby': describedBy,
    onInput: ({ currentTarget }: { currentTarget: { value: string } }) => onInput(currentTarget.value),
  } as const;
  return (
    <>
      {isShown ? <input {...common} type="text" /> : <input {...common} type="password" />}
      <span class="beside-field">
        <button type="button" onClick={generate}>
          Generate
        </button>
        <button type="button" aria-pressed={isShown} onClick={() => setIsShown(!isShown)}>
          {isShown ? 'Hide' : 'Show'}
        </button>
        {isShown && value !== '' && <CopyButton text={value} what="password" />}
      </span>
    </>
  );
}
