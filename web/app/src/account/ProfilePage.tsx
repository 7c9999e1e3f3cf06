import '../styles/account.css';
import '../styles/profile.css';
import { useEffect } from 'react';
import { api } from '../api';
import type { User } from '../api/types';
import { parseTime } from '../format';
import { fill, useWords } from '../i18n';
import { setToastChoice, type ToastChoice, useToastChoice } from '../prefs';
import { type Query, useQuery } from '../query';
import { navigate } from '../router';
import { useSession } from '../subscriptions';
import { usePageTitle } from '../ui/Header';
import { PageLoading } from '../ui/States';
import { useSessions } from './custody';
import { DeleteAccount } from './DeleteAccount';
import { Following } from './Following';
import { leave } from './leaving';
import { NameForm, profileKey } from './NameForm';
import { Notify } from './Notify';
import { PasswordForm } from './PasswordForm';
import { Sessions } from './Sessions';
import { Transfer } from './Transfer';

const profile: Query<User> = {
  key: profileKey,
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
  // A server that does not know of sessions knows of none of what an owner can do.
  const custody = useSessions().error?.status !== 404;
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
            {[
              shown.email,
              since
                ? fill(t.account.since, { date: since.toLocaleDateString(lang, { dateStyle: 'long' }) })
                : null,
            ]
              .filter(Boolean)
              .join(' · ')}
          </p>
        </div>
        <button type="button" className="button" onClick={() => void leave()}>
          {t.account.signOut}
        </button>
      </header>
      <Following />
      <section className="section" aria-labelledby="settings-title">
        <h2 id="settings-title">{t.me.account}</h2>
        <div className="profile-forms flat">
          {answer || error ? <NameForm user={shown} /> : <PanelSkeleton />}
          {custody ? <PasswordForm login={shown.login} /> : null}
          {custody ? <Sessions /> : null}
          <ToastForm />
        </div>
      </section>
      {answer || error ? <Notify user={shown} /> : null}
      <Transfer />
      {custody ? (
        <section className="section" aria-label={t.me.remove}>
          <DeleteAccount user={shown} />
        </section>
      ) : null}
    </div>
  );
}

function PanelSkeleton() {
  return (
    <div className="panel form" aria-hidden="true">
      <span className="skeleton skeleton-line short" />
      <span className="skeleton skeleton-block" />
      <span className="skeleton skeleton-block" />
    </div>
  );
}

function ToastForm() {
  const { t } = useWords();
  const choice = useToastChoice();
  return (
    <fieldset className="form panel radios">
      <legend className="panel-title">{t.account.settings}</legend>
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
