import { useEffect } from 'react';
import { watchPath } from '../catalog';
import { mainName, posterURL } from '../format';
import { fill, useWords } from '../i18n';
import { keep, recall } from '../memory';
import { forgetProgress, type TitleProgress, useProgress } from '../progress/book';
import { useSession } from '../subscriptions';
import { Rail } from '../ui/Rail';
import { ContinueCard } from './ContinueCard';
import { giveUp, useContinue } from './continue';

const inRail = 12;
// Whether there was a row at the last visit: its place is then kept free.
const memory = 'had-continue';

/** What to go on with: of all devices for who is signed in, of this one else. */
export function ContinueRail() {
  const { status } = useSession();
  if (status === 'guest') return <LocalRail />;
  return <SignedInRail />;
}

function SignedInRail() {
  const { lang, t } = useWords();
  const { answer, error } = useContinue();
  const count = answer?.data.length;
  useEffect(() => {
    if (count !== undefined) keep(memory, count > 0 ? '1' : null);
  }, [count]);
  if (error && !answer) return <LocalRail />;
  if (!answer) return recall(memory) ? <RailSkeleton /> : null;
  if (answer.data.length === 0) return null;
  return (
    <Rail title={t.home.continue} className="continue">
      {answer.data.map((entry) => {
        const { episode, seconds, title, new_episodes } = entry;
        return (
          <ContinueCard
            key={entry.title_id}
            id={entry.title_id}
            to={watchPath(entry.title_id, episode.ordinal)}
            poster={posterURL(title.poster, 'small')}
            name={mainName(lang, title.names)}
            episode={episode.ordinal}
            seconds={seconds}
            duration={episode.duration ?? 0}
            fresh={new_episodes}
            forget={{
              label: fill(t.home.giveUp, { title: mainName(lang, title.names) }),
              run: () => void giveUp(entry),
            }}
          />
        );
      })}
    </Rail>
  );
}

function LocalRail() {
  const { t } = useWords();
  const begun = Object.values(useProgress()).sort((a, b) => b.at - a.at);
  if (begun.length === 0) return null;
  return (
    <Rail title={t.home.continue} className="continue">
      {begun.slice(0, inRail).map((entry) => (
        <LocalCard key={entry.id} entry={entry} />
      ))}
    </Rail>
  );
}

function LocalCard({ entry }: { entry: TitleProgress }) {
  const { lang, t } = useWords();
  const now = entry.episodes[entry.episode];
  const name = mainName(lang, entry.names);
  return (
    <ContinueCard
      id={entry.id}
      to={watchPath(entry.id, entry.episode)}
      poster={entry.poster}
      name={name}
      episode={entry.episode}
      seconds={now?.seconds ?? 0}
      duration={now?.duration ?? 0}
      fresh={0}
      forget={{ label: `${t.home.forget}: ${name}`, run: () => forgetProgress(entry.id) }}
    />
  );
}

function RailSkeleton() {
  const { t } = useWords();
  return (
    <Rail title={t.home.continue} className="continue">
      {['a', 'b', 'c'].map((key) => (
        <div key={key} className="continue-card" aria-hidden="true">
          <span className="continue-link">
            <span className="poster skeleton" />
            <span className="continue-text">
              <span className="skeleton skeleton-line" />
              <span className="skeleton skeleton-line short" />
            </span>
          </span>
        </div>
      ))}
    </Rail>
  );
}
