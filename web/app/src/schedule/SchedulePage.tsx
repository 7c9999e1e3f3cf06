import '../styles/schedule.css';
import { schedule } from '../catalog';
import { weekday, weekdayName } from '../format';
import { AiringSkeletons } from '../home/WeekTeaser';
import { useWords } from '../i18n';
import { useQuery } from '../query';
import { usePageTitle } from '../ui/Header';
import { Failure } from '../ui/States';
import { AiringRow } from './AiringRow';
import { type Airing, localWeek } from './week';

export default function SchedulePage() {
  const { t } = useWords();
  const { answer, error, retry } = useQuery(schedule);
  usePageTitle(t.schedule.title);
  const week = answer ? localWeek(answer.data) : null;
  return (
    <>
      <div className="page-head">
        <h1>{t.schedule.title}</h1>
        <p>{t.schedule.lead}</p>
      </div>
      {!week && error ? <Failure error={error} retry={retry} /> : <Week week={week} />}
    </>
  );
}

function Week({ week }: { week: Airing[][] | null }) {
  const { lang, t } = useWords();
  const today = weekday(new Date());
  // The week rolls: what comes next is what one looks for.
  const days = [0, 1, 2, 3, 4, 5, 6].map((ahead) => ((today - 1 + ahead) % 7) + 1);
  const note = (n: number) => (n === days[0] ? t.home.today : n === days[1] ? t.home.tomorrow : null);
  return (
    <>
      <nav className="week-days jump" aria-label={t.schedule.days}>
        {days.map((n) => (
          <a key={n} className={n === today ? 'week-day today' : 'week-day'} href={`#day-${n}`}>
            <span className="week-day-name">{weekdayName(lang, n, 'short')}</span>
            <span className="week-day-count">{week?.[n - 1]?.length ?? ' '}</span>
          </a>
        ))}
      </nav>
      <div className="week-board">
        {days.map((n) => (
          <Day key={n} day={n} today={n === today} note={note(n)} airings={week?.[n - 1]} />
        ))}
      </div>
    </>
  );
}

interface DayProps {
  day: number;
  today: boolean;
  note: string | null;
  airings: Airing[] | undefined;
}

function Day({ day, today, note, airings }: DayProps) {
  const { lang, t } = useWords();
  return (
    <section id={`day-${day}`} className={today ? 'day today' : 'day'} aria-labelledby={`day-${day}-name`}>
      <h2 id={`day-${day}-name`}>
        {weekdayName(lang, day, 'long')}
        {note ? <span className="day-note">{note}</span> : null}
      </h2>
      {airings?.length === 0 ? <p className="week-empty">{t.schedule.empty}</p> : null}
      <ul className="airings">
        {airings ? (
          airings.map((entry) => <AiringRow key={entry.title.id} airing={entry} />)
        ) : (
          <AiringSkeletons />
        )}
      </ul>
    </section>
  );
}
