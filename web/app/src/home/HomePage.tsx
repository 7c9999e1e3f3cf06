import { ongoing, popular, schedule, updates } from '../catalog';
import { useWords } from '../i18n';
import { useQuery } from '../query';
import { Rail } from '../ui/Rail';
import { Failure } from '../ui/States';
import { CardSkeletons, TitleCard } from '../ui/TitleCard';
import { ContinueRail } from './ContinueRail';
import { OnAir } from './OnAir';
import { TopTen } from './TopTen';
import { WeekTeaser } from './WeekTeaser';

export function HomePage() {
  const { t } = useWords();
  const parts = [useQuery(updates), useQuery(ongoing), useQuery(schedule), useQuery(popular)];
  const error = parts[0]?.error;
  // One outage is one message, not four.
  if (error && parts.every((part) => part.error && !part.answer)) {
    const retryAll = () => {
      for (const part of parts) part.retry();
    };
    return <Failure error={error} retry={retryAll} />;
  }
  return (
    <>
      <h1 className="sr-only">AniHub</h1>
      <OnAir />
      <ContinueRail />
      <Ongoing />
      <WeekTeaser />
      <TopRail title={t.home.popular} />
    </>
  );
}

function Ongoing() {
  const { t } = useWords();
  const { answer, error, retry } = useQuery(ongoing);
  const more = { to: '/catalogue?status=ongoing', label: t.home.all };
  return (
    <Rail title={t.home.ongoing} more={more}>
      {answer?.data.map((title) => (
        <TitleCard key={title.id} title={title} />
      ))}
      {!answer && error ? <Failure error={error} retry={retry} /> : null}
      {!answer && !error ? <CardSkeletons count={8} /> : null}
    </Rail>
  );
}

function TopRail({ title }: { title: string }) {
  const { t } = useWords();
  const { answer, error, retry } = useQuery(popular);
  const more = { to: '/catalogue?sort=popularity', label: t.home.all };
  return (
    <Rail title={title} more={more} className="top">
      {answer ? <TopTen titles={answer.data} /> : null}
      {!answer && error ? <Failure error={error} retry={retry} /> : null}
      {!answer && !error ? <CardSkeletons count={8} /> : null}
    </Rail>
  );
}
