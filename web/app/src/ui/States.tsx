import type { ReactNode } from 'react';
import type { ApiError } from '../api/error';
import { fill, useWords } from '../i18n';
import { Link } from '../router';
import { Icon, type IconName } from './Icon';

interface NoticeProps {
  icon: IconName;
  title: string;
  hint?: string;
  role?: 'alert' | 'status';
  children?: ReactNode;
}

/** What stands where content would: nothing found, nothing yet, a failure. */
export function Notice({ icon, title, hint, role, children }: NoticeProps) {
  return (
    <div className="notice" role={role}>
      <span className="notice-icon">
        <Icon name={icon} size={26} />
      </span>
      <p className="notice-title">{title}</p>
      {hint ? <p className="notice-hint">{hint}</p> : null}
      {children ? <div className="notice-actions">{children}</div> : null}
    </div>
  );
}

/** Says what failed in the viewer's terms and offers to try again. */
export function Failure({ error, retry }: { error: ApiError; retry: () => void }) {
  const { t } = useWords();
  const [title, hint] = explain(error, t.state);
  return (
    <Notice icon="warn" title={title} hint={hint} role="alert">
      <button type="button" className="button" onClick={retry}>
        <Icon name="retry" size={18} />
        {t.state.retry}
      </button>
      {error.requestId ? (
        <p className="notice-fine">{fill(t.state.requestId, { id: error.requestId })}</p>
      ) : null}
    </Notice>
  );
}

/** Why something was not saved, in one short sentence. */
export function reasonOf(error: ApiError, words: ReturnType<typeof useWords>['t']['state']): string {
  if (error.status === 0) return `${words.offline}.`;
  if (error.status === 429) return `${words.limited}.`;
  if (error.status >= 500) return `${words.busy}.`;
  return error.message;
}

function explain(error: ApiError, words: ReturnType<typeof useWords>['t']['state']): [string, string?] {
  if (error.status === 0) return [words.offline, words.offlineHint];
  if (error.status === 429) return [words.limited, words.limitedHint];
  if (error.status >= 500) return [words.unavailable, words.unavailableHint];
  return [words.failed, error.message];
}

export function NotFound({ what }: { what?: string }) {
  const { t } = useWords();
  return (
    <div className="not-found">
      <p className="not-found-code" aria-hidden="true">
        404
      </p>
      <h1>{what ?? t.state.notFound}</h1>
      <p>{t.state.notFoundHint}</p>
      <div className="notice-actions">
        <Link className="button primary" to="/">
          {t.state.toHome}
        </Link>
        <Link className="button" to="/catalogue">
          {t.state.toCatalogue}
        </Link>
      </div>
    </div>
  );
}

/** Stands in while a page's own code arrives. */
export function PageLoading() {
  const { t } = useWords();
  return (
    <div className="page-loading" role="status">
      <span className="sr-only">{t.state.loading}</span>
      <span className="bars" aria-hidden="true" />
    </div>
  );
}
