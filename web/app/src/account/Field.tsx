import { type InputHTMLAttributes, useId, useState } from 'react';
import { useWords } from '../i18n';
import { Icon } from '../ui/Icon';

interface FieldProps extends Omit<InputHTMLAttributes<HTMLInputElement>, 'onChange'> {
  label: string;
  value: string;
  onChange: (value: string) => void;
  problem?: string;
  hint?: string;
}

/** A labelled field that says under itself what is wrong with it. */
export function Field({ label, onChange, problem, hint, children, ...input }: FieldProps) {
  const id = useId();
  const note = problem ?? hint;
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <span className="field-box">
        <input
          id={id}
          type="text"
          aria-invalid={problem ? true : undefined}
          aria-describedby={note ? `${id}-note` : undefined}
          onChange={(event) => onChange(event.target.value)}
          {...input}
        />
        {children}
      </span>
      {note ? (
        <p id={`${id}-note`} className={problem ? 'field-note wrong' : 'field-note'}>
          {note}
        </p>
      ) : null}
    </div>
  );
}

type PasswordProps = Omit<FieldProps, 'label' | 'type'> & { label?: string };

export function PasswordField(props: PasswordProps) {
  const { t } = useWords();
  const [shown, setShown] = useState(false);
  const label = shown ? t.account.hide : t.account.show;
  return (
    <Field
      name="password"
      {...props}
      type={shown ? 'text' : 'password'}
      label={props.label ?? t.account.password}
    >
      <button
        type="button"
        className="icon-button"
        aria-label={label}
        aria-pressed={shown}
        title={label}
        onClick={() => setShown(!shown)}
      >
        <Icon name="eye" />
      </button>
    </Field>
  );
}
