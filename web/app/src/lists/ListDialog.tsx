import { useEffect, useId, useRef } from 'react';
import type { ShortTitle } from '../api/types';
import { mainName } from '../format';
import { fill, useWords } from '../i18n';
import { Icon } from '../ui/Icon';
import { statuses } from './entries';
import { statusIcons } from './labels';
import { type Editing, useEditing } from './useEditing';

const scores = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

/** The list a title is on, and its score: a window on a desk, a sheet on a phone. */
export function ListDialog({ title, close }: { title: ShortTitle; close: () => void }) {
  const { lang, t } = useWords();
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  const editing = useEditing(title);
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    // Closing gives the focus back to what opened it; unmounting alone would not.
    return () => element?.close();
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes a dialog by itself; the click is one beside it
    <dialog
      ref={dialog}
      className="sheet"
      aria-labelledby={heading}
      onClose={close}
      onClick={(event) => event.target === event.currentTarget && close()}
    >
      <div className="sheet-body">
        <div className="sheet-head">
          <h2 id={heading}>{mainName(lang, title.names)}</h2>
          <button type="button" className="icon-button" aria-label={t.lists.close} onClick={close}>
            <Icon name="close" />
          </button>
        </div>
        {editing.signedIn ? null : <p className="sheet-note">{t.lists.guest}</p>}
        <StatusChoice {...editing} />
        {editing.signedIn ? <ScoreChoice {...editing} /> : null}
        {editing.entry?.status ? (
          <button
            type="button"
            className="link-button"
            onClick={() => {
              editing.change({ kind: 'remove' });
              close();
            }}
          >
            {t.lists.remove}
          </button>
        ) : null}
      </div>
    </dialog>
  );
}

function StatusChoice({ entry, change }: Editing) {
  const { t } = useWords();
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would name a form
    <div className="sheet-list" role="group" aria-label={t.lists.choose}>
      {statuses.map((status) => (
        <button
          type="button"
          key={status}
          className="sheet-status"
          aria-pressed={entry?.status === status}
          onClick={() => change({ kind: 'put', status, score: entry?.score ?? null })}
        >
          <Icon name={statusIcons[status]} size={18} />
          {t.lists.status[status]}
          {entry?.status === status ? <Icon name="check" size={18} /> : null}
        </button>
      ))}
    </div>
  );
}

function ScoreChoice({ entry, change }: Editing) {
  const { t } = useWords();
  const status = entry?.status;
  const score = entry?.score ?? null;
  return (
    <fieldset className="sheet-scores" disabled={!status}>
      <legend>
        {t.lists.score}
        <span>{status ? (score ?? t.lists.noScore) : t.lists.scoreFirst}</span>
      </legend>
      {scores.map((n) => (
        <button
          type="button"
          key={n}
          className={score !== null && n <= score ? 'sheet-score on' : 'sheet-score'}
          aria-pressed={n === score}
          aria-label={fill(t.lists.scoreOf, { n })}
          onClick={() => status && change({ kind: 'put', status, score: n === score ? null : n })}
        >
          {n}
        </button>
      ))}
    </fieldset>
  );
}
