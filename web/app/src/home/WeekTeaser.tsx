import { useState } from 'react';
import { schedule } from '../catalog';
import { weekday, weekdayName } from '../format';
import { useWords } from '../i18n';
import { useQuery } from '../query';
import { Link } from '../router';
import { AiringRow } from '../schedule/AiringRow';
import { localWeek } from '../schedule/week';
import { Icon } from '../ui/Icon';
import { Failure } from '../ui/States';

const inTeaser = 6;

/** One day of the schedule, today's at first. */
export function WeekTeaser() {
  const { lang, t } = useWords();
  const today = weekday(new Date());
  const [day, setDay] = useState(today);
  const { answer, error, retry } = useQuery(schedule);
  const week = answer ? localWeek(answer.data) : null;
  const airing = week?.[day - 1] ?? [];
  return (
    <section className="section week" aria-labelledby="week-title">
      <div className="section-head">
        <h2 id="week-title">{t.home.schedule}</h2>
        <Link className="section-more" to="/schedule">
          {t.home.fullSchedule}
          <Icon name="right" size={16} />
        </Link>
      </div>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset would name a form */}
      <div className="week-days" role="group" aria-label={t.schedule.days}>
        {[1, 2, 3, 4, 5, 6, 7].map((n) => (
          <button
            type="button"
            key={n}
            className={n === today ? 'week-day today' : 'week-day'}
            aria-pressed={n === day}
            onClick={() => setDay(n)}
          >
            <span className="week-day-name">{weekdayName(lang, n, 'short')}</span>
            <span className="week-day-count">{week ? week[n - 1]?.length : ' '}</span>
          </button>
        ))}
      </div>
      {!answer && error ? <Failure error={error} retry={retry} /> : null}
      {answer && airing.length === 0 ? <p className="week-empty">{t.home.nothingToday}</p> : null}
      <ul className="airings">
        {airing.slice(0, inTeaser).map((entry) => (
          <AiringRow key={entry.title.id} airing={entry} />
        ))}
        {answer || error ? null : <AiringSkeletons />}
      </ul>
    </section>
  );
}

export function AiringSkeletons() {
  return ['a', 'b', 'c', 'd', 'e', 'f'].map((key) => (
    <li key={key} className="airing" aria-hidden="true">
      <span className="poster skeleton" />
      <span className="airing-text">
        <span className="skeleton skeleton-line" />
      </span>
    </li>
  ));
}
