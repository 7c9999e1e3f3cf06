import { type ReactNode, useId, useRef } from 'react';
import { useWords } from '../i18n';
import { Link } from '../router';
import { Icon } from './Icon';

interface RailProps {
  title: string;
  more?: { to: string; label: string };
  children: ReactNode;
  className?: string;
}

/** A titled row that scrolls sideways; arrows appear where there is a pointer. */
export function Rail({ title, more, children, className = '' }: RailProps) {
  const { t } = useWords();
  const id = useId();
  const track = useRef<HTMLDivElement>(null);
  const scroll = (direction: 1 | -1) => {
    const el = track.current;
    el?.scrollBy({ left: direction * el.clientWidth * 0.85 });
  };
  return (
    <section className={`section ${className}`} aria-labelledby={id}>
      <div className="section-head">
        <h2 id={id}>{title}</h2>
        {more ? (
          <Link className="section-more" to={more.to}>
            {more.label}
            <Icon name="right" size={16} />
          </Link>
        ) : null}
        <span className="rail-arrows">
          <button
            type="button"
            className="icon-button"
            aria-label={t.catalogue.previous}
            onClick={() => scroll(-1)}
          >
            <Icon name="left" />
          </button>
          <button
            type="button"
            className="icon-button"
            aria-label={t.catalogue.next}
            onClick={() => scroll(1)}
          >
            <Icon name="right" />
          </button>
        </span>
      </div>
      <div className="rail" ref={track}>
        {children}
      </div>
    </section>
  );
}
