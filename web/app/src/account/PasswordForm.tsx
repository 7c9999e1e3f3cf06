import { useState } from 'react';
import { useWords } from '../i18n';
import { changePassword } from './custody';
import { PasswordField } from './Field';
import { FormEnd } from './NameForm';
import { passwordProblem } from './signing';
import { useSubmit } from './useSubmit';

export function PasswordForm({ login }: { login: string }) {
  const { t } = useWords();
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const [checked, setChecked] = useState(false);
  const submit = useSubmit(async () => {
    await changePassword(current, next);
    setCurrent('');
    setNext('');
    setChecked(false);
  });
  const problem = checked ? passwordProblem(next) : null;
  const wrong = submit.error?.status === 403;
  return (
    <form
      className="form panel"
      noValidate
      onSubmit={(event) => {
        setChecked(true);
        if (!current || passwordProblem(next)) event.preventDefault();
        else submit.onSubmit(event);
      }}
    >
      <h2>{t.me.password}</h2>
      {/* Password managers want to know whose it is. */}
      <input type="text" name="username" autoComplete="username" value={login} readOnly hidden />
      <PasswordField
        name="current_password"
        label={t.me.currentPassword}
        value={current}
        autoComplete="current-password"
        problem={wrong ? t.me.wrongPassword : checked && !current ? t.account.errors.required : undefined}
        onChange={(value) => {
          setCurrent(value);
          submit.reset();
        }}
      />
      <PasswordField
        name="new_password"
        label={t.me.newPassword}
        value={next}
        autoComplete="new-password"
        hint={t.account.passwordHint}
        problem={problem ? t.account.errors[problem] : undefined}
        onChange={(value) => {
          setNext(value);
          submit.reset();
        }}
      />
      <FormEnd submit={submit} label={t.me.changePassword} done={t.me.passwordChanged} silent={wrong} />
    </form>
  );
}
