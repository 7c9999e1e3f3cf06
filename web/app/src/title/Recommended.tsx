import { recommended } from '../catalog';
import { useWords } from '../i18n';
import { useQuery } from '../query';
import { Rail } from '../ui/Rail';
import { TitleCard } from '../ui/TitleCard';

/** What those who like this title like too; nothing at all when nobody can tell. */
export function Recommended({ id }: { id: number }) {
  const { t } = useWords();
  const { answer } = useQuery(recommended(id));
  if (!answer?.data.length) return null;
  return (
    <Rail title={t.title.recommended}>
      {answer.data.map((title) => (
        <TitleCard key={title.id} title={title} />
      ))}
    </Rail>
  );
}
