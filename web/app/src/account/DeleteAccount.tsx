import '../styles/sheet.css';
import { useEffect, useId, useRef, useState } from 'react';
import { session } from '../api';
import type { User } from '../api/types';
import { fill, useWords } from '../i18n';
import { tell } from '../live/notes';
import { navigate } from '../router';
import { Icon } from '../ui/Icon';
import { reasonOf } from '../ui/States';
import { deleteAccount } from './custody';
import { Field, PasswordField } from './Field';
import { useSubmit } from './useSubmit';

/** The end of an account, behind the login typed by hand and the password. */
export function DeleteAccount({ user }: { user: User }) {
  const { t } = useWords();
  const [open, setOpen] = useState(false);
  return (
    <section className="panel form" aria-labelledby="delete-title">
      <h2 id="delete-title">{t.me.remove}</h2>
      <p className="panel-note">{t.me.removeHint}</p>
      <div className="form-row">
        <button type="button" className="button danger" aria-haspopup="dialog" onClick={() => setOpen(true)}>
          {t.me.removeOpen}
        </button>
      </div>
      {open ? <DeleteDialog user={user} close={() => setOpen(false)} /> : null}
    </section>
  );
}

function DeleteDialog({ user, close }: { user: User; close: () => void }) {
  const { t } = useWords();
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  const [typed, setTyped] = useState('');
  const [password, setPassword] = useState('');
  const submit = useSubmit(async () => {
    await deleteAccount(password);
    navigate('/', { replace: true });
    session.forget();
    tell({ text: (words) => words.t.me.removed });
  });
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => element?.close();
  }, []);
  const certain = typed.trim() === user.login && password !== '';
  const wrong = submit.error?.status === 403;
  return (
    <dialog ref={dialog} className="sheet" aria-labelledby={heading} onClose={close}>
      <form className="sheet-body" onSubmit={submit.onSubmit}>
        <div className="sheet-head">
          <h2 id={heading}>{t.me.remove}</h2>
          <button type="button" className="icon-button" aria-label={t.me.keep} onClick={close}>
            <Icon name="close" />
          </button>
        </div>
        <p className="sheet-note">{t.me.removeWhat}</p>
        <Field
          name="confirm"
          label={fill(t.me.typeLogin, { login: user.login })}
          value={typed}
          onChange={setTyped}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
        />
        <PasswordField
          value={password}
          onChange={(value) => {
            setPassword(value);
            submit.reset();
          }}
          autoComplete="current-password"
          problem={wrong ? t.me.wrongPassword : undefined}
        />
        <p role="alert" className="form-wrong">
          {submit.error && !wrong ? reasonOf(submit.error, t.state) : null}
        </p>
        <div className="form-row">
          <button type="submit" className="button danger" disabled={!certain || submit.busy}>
            {submit.busy ? t.account.wait : t.me.removeForGood}
          </button>
          <button type="button" className="button quiet" onClick={close}>
            {t.me.keep}
          </button>
        </div>
      </form>
    </dialog>
  );
}
