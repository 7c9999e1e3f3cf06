import { useState } from 'react';
import { api, session } from '../api';
import type { User } from '../api/types';
import { useWords } from '../i18n';
import { patchQuery } from '../query';
import { reasonOf } from '../ui/States';
import { Field } from './Field';
import { useSubmit } from './useSubmit';

export const profileKey = 'me:profile';

/** Name and e-mail, each as long as the server takes. */
export function NameForm({ user }: { user: User }) {
  const { t } = useWords();
  const [name, setName] = useState(user.name === user.login ? '' : user.name);
  const [email, setEmail] = useState(user.email);
  const submit = useSubmit(async () => {
    const body = { name: name.trim(), email: email.trim() };
    const { data } = await api<User>('/api/users/profile', { method: 'PUT', auth: true, body });
    patchQuery<User>(profileKey, (answer) => ({ ...answer, data: { ...answer.data, ...data } }));
    session.updateUser({ ...user, ...data });
  });
  const edit = (set: (value: string) => void) => (value: string) => {
    set(value);
    submit.reset();
  };
  const taken = submit.error?.status === 409;
  return (
    <form className="form panel" onSubmit={submit.onSubmit}>
      <h2>{t.me.about}</h2>
      <Field
        name="name"
        label={t.account.name}
        value={name}
        maxLength={64}
        placeholder={user.login}
        autoComplete="nickname"
        onChange={edit(setName)}
      />
      <Field
        name="email"
        type="email"
        label={t.account.email}
        value={email}
        maxLength={254}
        required
        autoComplete="email"
        onChange={edit(setEmail)}
        problem={taken ? t.me.emailTaken : undefined}
      />
      <FormEnd submit={submit} label={t.account.save} done={t.account.saved} silent={taken} />
    </form>
  );
}

interface EndProps {
  submit: ReturnType<typeof useSubmit>;
  label: string;
  done: string;
  /** The error is said beside its field already. */
  silent?: boolean;
}

/** The button of a form and what came of pressing it. */
export function FormEnd({ submit, label, done, silent }: EndProps) {
  const { t } = useWords();
  return (
    <div className="form-row">
      <button type="submit" className="button" disabled={submit.busy}>
        {submit.busy ? t.account.wait : label}
      </button>
      <span role="status">{submit.done ? done : null}</span>
      <span role="alert" className="form-wrong">
        {submit.error && !silent ? reasonOf(submit.error, t.state) : null}
      </span>
    </div>
  );
}
