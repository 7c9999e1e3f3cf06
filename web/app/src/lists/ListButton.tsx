import '../styles/sheet.css';
import { useState } from 'react';
import type { ShortTitle } from '../api/types';
import { mainName } from '../format';
import { fill, useWords } from '../i18n';
import { Icon } from '../ui/Icon';
import { ListDialog } from './ListDialog';
import { statusIcons } from './labels';
import { useEditing } from './useEditing';

/** Says which list a title is on and opens the choice of another. */
export function ListButton({ title }: { title: ShortTitle }) {
  const { t } = useWords();
  const [open, setOpen] = useState(false);
  const { entry, ready } = useEditing(title);
  const status = entry?.status;
  return (
    <>
      <button
        type="button"
        className={status ? 'button large marked' : 'button large'}
        aria-haspopup="dialog"
        disabled={!ready}
        onClick={() => setOpen(true)}
      >
        <Icon name={status ? statusIcons[status] : 'plus'} />
        {status ? t.lists.status[status] : t.lists.add}
        {entry?.score ? (
          <span className="own-score">
            <Icon name="star" size={14} />
            <span className="sr-only">{t.lists.score}: </span>
            {entry.score}
          </span>
        ) : null}
      </button>
      {open ? <ListDialog title={title} close={() => setOpen(false)} /> : null}
    </>
  );
}

/** The same in the corner of a card. */
export function CornerListButton({ title }: { title: ShortTitle }) {
  const { lang, t } = useWords();
  const [open, setOpen] = useState(false);
  return (
    <>
      <button
        type="button"
        className="icon-button corner"
        aria-haspopup="dialog"
        aria-label={fill(t.lists.change, { title: mainName(lang, title.names) })}
        onClick={() => setOpen(true)}
      >
        <Icon name="list" size={18} />
      </button>
      {open ? <ListDialog title={title} close={() => setOpen(false)} /> : null}
    </>
  );
}

export function Heart({ title }: { title: ShortTitle }) {
  const { t } = useWords();
  const { entry, ready, change } = useEditing(title);
  const on = entry?.favorite ?? false;
  const label = on ? t.lists.removeFavorite : t.lists.addFavorite;
  return (
    <button
      type="button"
      className={on ? 'button large heart marked' : 'button large heart'}
      aria-pressed={on}
      aria-label={t.lists.addFavorite}
      title={label}
      disabled={!ready}
      onClick={() => change({ kind: 'favorite', on: !on })}
    >
      <Icon name={on ? 'heartOn' : 'heart'} />
    </button>
  );
}
