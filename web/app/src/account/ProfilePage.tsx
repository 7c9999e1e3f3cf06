import '../styles/account.css';
import { type FormEvent, useEffect, useState } from 'react';
import { api, session } from '../api';
import { toApiError } from '../api/error';
import type { User } from '../api/types';
import { parseTime } from '../format';
import { fill, useWords } from '../i18n';
import { setToastChoice, type ToastChoice, useToastChoice } from '../prefs';
import { patchQuery, type Query, useQuery } from '../query';
import { navigate } from '../router';
import { useSession } from '../subscriptions';
import { usePageTitle } from '../ui/Header';
import { PageLoading } from '../ui/States';
import { Field } from './Field';
import { Following } from './Following';

const profile: Query<User> = {
  key: 'me:profile',
  load: () => api<User>('/api/users/profile', { auth: true }),
};

export default function ProfilePage() {
  const { t } = useWords();
  const state = useSession();
  usePageTitle(t.account.profile);
  useEffect(() => {
    if (state.status === 'guest') navigate('/sign-in?back=%2Fprofile', { replace: true });
  }, [state.status]);
  if (state.status !== 'user') return <PageLoading />;
  return <Profile user={state.user} />;
}

function Profile({ user }: { user: User }) {
  const { lang, t } = useWords();
  const { answer, error } = useQuery(profile);
  const shown = { ...user, ...answer?.data };
  const name = shown.name || shown.login;
  const since = parseTime(shown.created_at);
  return (
    <div className="profile">
      <header className="profile-head">
        <span className="avatar big" aria-hidden="true">
          {name.slice(0, 1).toUpperCase()}
        </span>
        <div>
          <h1>{name}</h1>
          <p>
            {[shown.email, since ? fill(t.account.since, { date: since.toLocaleDateString(lang) }) : null]
              .filter(Boolean)
              .join(' · ')}
          </p>
        </div>
        <button
          type="button"
          className="button"
          onClick={() => {
            navigate('/', { replace: true });
            void session.signOut();
          }}
        >
          {t.account.signOut}
        </button>
      </header>
      <Following />
      <div className="profile-forms">
        {answer || error ? <NameForm user={shown} /> : null}
        <ToastForm />
      </div>
    </div>
  );
}

function NameForm({ user }: { user: User }) {
  const { t } = useWords();
  const [name, setName] = useState(user.name ?? '');
  const [note, setNote] = useState<{ text: string; wrong: boolean } | null>(null);

  async function save(event: FormEvent) {
    event.preventDefault();
    try {
      const { data } = await api<User>('/api/users/profile', {
        method: 'PUT',
        auth: true,
        body: { name: name.trim() },
      });
      patchQuery<User>(profile.key, (answer) => ({ ...answer, data: { ...answer.data, ...data } }));
      session.updateUser({ ...user, ...data });
      setNote({ text: t.account.saved, wrong: false });
    } catch (cause) {
      setNote({ text: toApiError(cause).message || t.state.failed, wrong: true });
    }
  }

  return (
    <form className="form panel" onSubmit={save}>
      <Field
        name="name"
        label={t.account.name}
        value={name}
        maxLength={50}
        placeholder={user.login}
        autoComplete="nickname"
        onChange={(value) => {
          setName(value);
          setNote(null);
        }}
        problem={note?.wrong ? note.text : undefined}
      />
      <div className="form-row">
        <button type="submit" className="button">
          {t.account.save}
        </button>
        <span role="status">{note && !note.wrong ? note.text : null}</span>
      </div>
    </form>
  );
}

function ToastForm() {
  const { t } = useWords();
  const choice = useToastChoice();
  return (
    <fieldset className="form panel radios">
      <legend>{t.account.settings}</legend>
      {(['all', 'mine', 'none'] as ToastChoice[]).map((value) => (
        <label key={value}>
          <input
            type="radio"
            name="toasts"
            checked={choice === value}
            onChange={() => setToastChoice(value)}
          />
          {t.account.toasts[value]}
        </label>
      ))}
    </fieldset>
  );
}
