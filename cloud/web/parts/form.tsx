import { useId, useState } from 'preact/hooks';
import { inWords } from '../words.ts';
import {
  type Drafts,
  draftsOf,
  type Field,
  type Fields,
  grouped,
  type ValuesOf,
  valuesOf,
} from './fields.ts';
import { NewPassword } from './new-password.tsx';

export interface FormProps<F extends Fields> {
  readonly fields: F;
  /** What the button says. */
  readonly act: string;
  readonly isDangerous?: boolean;
  /** What throws is told in words, and the form stays as it is. */
  readonly onSubmit: (values: ValuesOf<F>) => Promise<void>;
  readonly onCancel?: () => void;
}

/** A form from the description of its fields; checked by the browser as far as that can, and then by the cloud. */
export function Form<const F extends Fields>(props: FormProps<F>) {
  const { fields, act, isDangerous = false, onSubmit, onCancel } = props;
  const [drafts, setDrafts] = useState<Drafts>(() => draftsOf(fields));
  const [message, setMessage] = useState('');
  const [isBusy, setIsBusy] = useState(false);
  const id = useId();

  const submit = async (): Promise<void> => {
    if (isBusy) return;
    setIsBusy(true);
    setMessage('');
    try {
      await onSubmit(valuesOf(fields, drafts));
    } catch (error) {
      setMessage(inWords(error));
    } finally {
      setIsBusy(false);
    }
  };

  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      {Object.entries<Field>(fields).map(
        ([name, field]) =>
          (field.shown?.(drafts) ?? true) && (
            <FieldBox
              key={name}
              id={`${id}-${name}`}
              field={field}
              draft={drafts[name] ?? ''}
              onDraft={(draft) => setDrafts((before) => ({ ...before, [name]: draft }))}
            />
          ),
      )}
      <p class="message" role="alert">
        {message}
      </p>
      <div class="form-acts">
        <button type="submit" class={isDangerous ? 'primary is-dangerous' : 'primary'} aria-disabled={isBusy}>
          {isBusy ? 'One moment…' : act}
        </button>
        {onCancel !== undefined && (
          <button type="button" onClick={onCancel}>
            Cancel
          </button>
        )}
      </div>
    </form>
  );
}

interface BoxProps {
  readonly id: string;
  readonly field: Field;
  readonly draft: string | readonly string[];
  readonly onDraft: (draft: string | readonly string[]) => void;
}

function FieldBox(props: BoxProps) {
  const { id, field } = props;
  if (field.kind === 'choices') return <Choices {...props} field={field} />;
  return (
    <div class="field">
      <label for={id}>{field.label}</label>
      <Input {...props} field={field} />
      <p class="hint" id={`${id}-hint`}>
        {field.hint ?? ''}
      </p>
    </div>
  );
}

function Input({
  id,
  field,
  draft,
  onDraft,
}: BoxProps & { readonly field: Exclude<Field, { kind: 'choices' }> }) {
  const value = typeof draft === 'string' ? draft : '';
  const common = {
    id,
    value,
    'aria-describedby': `${id}-hint`,
    onInput: ({ currentTarget }: { currentTarget: { value: string } }) => onDraft(currentTarget.value),
  };
  switch (field.kind) {
    case 'new-password':
      return <NewPassword id={id} value={value} describedBy={`${id}-hint`} onInput={onDraft} />;
    case 'password':
      return <input {...common} type="password" autocomplete="current-password" required />;
    case 'number':
      return <input {...common} type="number" min={field.least} max={field.most} step={1} required />;
    case 'words':
      return <textarea {...common} rows={2} autocapitalize="none" spellcheck={false} />;
    case 'choice':
      return (
        <select {...common}>
          {field.options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
      );
    case 'text': {
      const text = {
        ...common,
        autocomplete: field.autocomplete ?? 'off',
        autocapitalize: field.autocomplete === 'name' ? 'words' : 'none',
        spellcheck: false,
        required: field.optional === undefined,
        pattern: field.pattern,
        maxLength: 500,
      } as const;
      return field.type === 'email' ? <input {...text} type="email" /> : <input {...text} type="text" />;
    }
  }
}

function Choices({
  id,
  field,
  draft,
  onDraft,
}: BoxProps & { readonly field: Extract<Field, { kind: 'choices' }> }) {
  const chosen = typeof draft === 'string' ? [] : draft;
  return (
    <fieldset class="choices" aria-describedby={`${id}-hint`}>
      <legend>{field.label}</legend>
      <p class="hint" id={`${id}-hint`}>
        {field.options.length === 0 ? 'There is nothing to choose from yet.' : (field.hint ?? '')}
      </p>
      <div class="choices-box">
        {grouped(field.options).map(([group, options]) => (
          <fieldset key={group} class="choices-group">
            {group !== '' && <legend>{group}</legend>}
            {options.map(({ value, label, hint }) => (
              <label key={value}>
                <input
                  type="checkbox"
                  checked={chosen.includes(value)}
                  onChange={({ currentTarget }) =>
                    onDraft(
                      currentTarget.checked ? [...chosen, value] : chosen.filter((one) => one !== value),
                    )
                  }
                />
                <span>
                  {label} {hint !== undefined && <span class="muted">{hint}</span>}
                </span>
              </label>
            ))}
          </fieldset>
        ))}
      </div>
    </fieldset>
  );
}
