import { useWords } from '../i18n';
import { Icon } from '../ui/Icon';
import { statusIcons } from './labels';
import { useEntry } from './library';

/** On a card: which list of the viewer the title is on. */
export function CardMark({ id }: { id: number }) {
  const { t } = useWords();
  const entry = useEntry(id);
  if (!entry?.status) return entry?.favorite ? <FavoriteMark /> : null;
  return (
    <span className={`card-mark ${entry.status}`}>
      <Icon name={statusIcons[entry.status]} size={12} />
      <span className="card-mark-text">{t.lists.status[entry.status]}</span>
    </span>
  );
}

function FavoriteMark() {
  const { t } = useWords();
  return (
    <span className="card-mark favorite">
      <Icon name="heartOn" size={12} />
      <span className="card-mark-text">{t.lists.favorites}</span>
    </span>
  );
}
