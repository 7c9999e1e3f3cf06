import { titlePath } from '../catalog';
import { mainName, posterURL, timeOfDay } from '../format';
import { fill, useWords } from '../i18n';
import { Link } from '../router';
import { Poster } from '../ui/Poster';
import type { Airing } from './week';

export function AiringRow({ airing }: { airing: Airing }) {
  const { lang, t } = useWords();
  const { title, episode, at } = airing;
  const name = mainName(lang, title.names);
  return (
    <li>
      <Link className="airing" to={titlePath(title.id)}>
        <Poster src={posterURL(title.poster, 'small')} seed={title.id} name="" />
        <span className="airing-text">
          <span className="airing-name">{name}</span>
          {episode ? <span className="airing-episode">{fill(t.schedule.next, { n: episode })}</span> : null}
        </span>
        {at ? <time dateTime={at.toISOString()}>{timeOfDay(lang, at)}</time> : null}
      </Link>
    </li>
  );
}
