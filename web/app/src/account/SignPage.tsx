import '../styles/account.css';
import { type FormEvent, useEffect, useState } from 'react';
import { session } from '../api';
import { type ApiError, toApiError } from '../api/error';
import { mainName } from '../format';
import { fill, useWords } from '../i18n';
import { statusIcons } from '../lists/labels';
import { useLastWish } from '../lists/wishes';
import { Link, navigate, useLocation } from '../router';
import { useSession } from '../subscriptions';
import { usePageTitle } from '../ui/Header';
import { Icon } from '../ui/Icon';
import { Field, PasswordField } from './Field';
import { backPath, check, type SignFields, type SignProblems } from './signing';

type Mode = 'in' | 'up';

/** Sign-in and registration: the same few fields, one page each. */
export default function SignPage({ mode }: { mode: Mode }) {
  const { t } = useWords();
  const { search } = useLocation();
  const signedIn = useSession().status === 'user';
  const heading = mode === 'in' ? t.account.signIn : t.account.signUp;
  usePageTitle(heading);
  useEffect(() => {
    if (signedIn) navigate(backPath(search), { replace: true });
  }, [signedIn, search]);
  return (
    <div className="sign">
      <h1>{heading}</h1>
      <SignReason />
      <SignForm mode={mode} />
      <p className="sign-other">
        {mode === 'in' ? t.account.noAccount : t.account.haveAccount}{' '}
        <Link to={`${mode === 'in' ? '/sign-up' : '/sign-in'}${search}`}>
          {mode === 'in' ? t.account.create : t.account.enter}
        </Link>
      </p>
    </div>
  );
}

/** What signing in is good for; what brought a guest here comes first. */
function SignReason() {
  const { lang, t } = useWords();
  const wished = useLastWish();
  if (!wished) return <p className="sign-why">{t.account.why}</p>;
  const { title, edit } = wished;
  const name = mainName(lang, title.names);
  return (
    <p className="sign-why wished">
      <Icon name={edit.kind === 'put' ? statusIcons[edit.status] : 'heartOn'} size={18} />
      {edit.kind === 'put'
        ? fill(t.lists.wishOn, { title: name, list: t.lists.status[edit.status] })
        : fill(t.lists.wishFavorite, { title: name })}
    </p>
  );
}

function SignForm({ mode }: { mode: Mode }) {
  const { t } = useWords();
  const [fields, setFields] = useState<SignFields>({ login: '', email: '', password: '' });
  const [problems, setProblems] = useState<SignProblems>({});
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<ApiError | null>(null);
  const set = (name: keyof SignFields) => (value: string) => setFields({ ...fields, [name]: value });

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const found = check(mode, fields);
    setProblems(found);
    setFailed(null);
    const first = (Object.keys(found) as (keyof SignFields)[])[0];
    if (first) {
      event.currentTarget.querySelector<HTMLInputElement>(`[name=${first}]`)?.focus();
      return;
    }
    setBusy(true);
    try {
      if (mode === 'in') await session.signIn(fields.login.trim(), fields.password);
      else await session.signUp(fields.login.trim(), fields.email.trim(), fields.password);
    } catch (cause) {
      setFailed(toApiError(cause));
      setBusy(false);
    }
  }

  const words = (name: keyof SignFields) => {
    const problem = problems[name];
    return problem ? t.account.errors[problem] : undefined;
  };
  const submitLabel = mode === 'in' ? t.account.enter : t.account.create;
  return (
    <form className="form" onSubmit={submit} noValidate>
      <div role="alert">{failed ? <p className="form-failed">{explain(failed, t)}</p> : null}</div>
      <Field
        name="login"
        label={mode === 'in' ? t.account.login : t.account.newLogin}
        value={fields.login}
        onChange={set('login')}
        problem={words('login')}
        autoComplete="username"
      />
      {mode === 'up' ? (
        <Field
          name="email"
          type="email"
          label={t.account.email}
          value={fields.email}
          onChange={set('email')}
          problem={words('email')}
          autoComplete="email"
        />
      ) : null}
      <PasswordField
        value={fields.password}
        onChange={set('password')}
        problem={words('password')}
        hint={mode === 'up' ? t.account.passwordHint : undefined}
        autoComplete={mode === 'up' ? 'new-password' : 'current-password'}
      />
      <button type="submit" className="button primary large" disabled={busy}>
        {busy ? t.account.wait : submitLabel}
      </button>
    </form>
  );
}

function explain(error: ApiError, t: ReturnType<typeof useWords>['t']): string {
  if (error.status === 401) return t.account.errors.wrong;
  if (error.status === 409) return t.account.errors.exists;
  if (error.status === 429) return `${t.state.limited}. ${t.state.limitedHint}`;
  if (error.temporary) return t.state.unavailableHint;
  return error.message || t.state.failed;
}
