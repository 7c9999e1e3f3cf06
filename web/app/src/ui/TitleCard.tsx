import type { ReactNode } from 'react';
import type { ShortTitle } from '../api/types';
import { titleById, titlePath } from '../catalog';
import { lastEpisode, mainName, posterURL } from '../format';
import { fill, useWords } from '../i18n';
import { CardMark } from '../lists/CardMark';
import { prefetch } from '../query';
import { Link } from '../router';
import { Icon } from './Icon';
import { Poster } from './Poster';

interface CardProps {
  title: ShortTitle;
  eager?: boolean;
  /** False where it is clear already which list the title is on. */
  mark?: boolean;
  children?: ReactNode;
}

/** A poster with what one needs to choose: name, kind, year, last episode. */
export function TitleCard({ title, eager, mark = true, children }: CardProps) {
  const { lang, t } = useWords();
  const name = mainName(lang, title.names);
  const episode = lastEpisode(title);
  const kind = title.type ? (t.type[title.type] ?? title.type) : null;
  return (
    <Link className="card" to={titlePath(title.id)} onPointerEnter={() => prefetch(titleById(title.id))}>
      <span className="card-art">
        <Poster src={posterURL(title.poster, 'medium')} seed={title.id} name={name} eager={eager} />
        {mark ? <CardMark id={title.id} /> : null}
        {title.status === 'ongoing' && episode ? (
          <span className="ep-tab">
            <span className="sr-only">{fill(t.live.episode, { n: episode })}</span>
            <span aria-hidden="true">{episode}</span>
          </span>
        ) : null}
        {title.rating ? (
          <span className="card-rating">
            <Icon name="star" size={12} />
            {title.rating.toFixed(1)}
          </span>
        ) : null}
      </span>
      <span className="card-name">{name}</span>
      <span className="card-meta">{[kind, title.year].filter(Boolean).join(' · ')}</span>
      {children}
    </Link>
  );
}

const placeholders = Array.from({ length: 24 }, (_, index) => `s${index}`);

export function CardSkeletons({ count }: { count: number }) {
  return placeholders.slice(0, count).map((key) => (
    <span className="card" key={key} aria-hidden="true">
      <span className="card-art skeleton" />
      <span className="skeleton skeleton-line" />
      <span className="skeleton skeleton-line short" />
    </span>
  ));
}
