import { batch } from '../catalog';
import { mainName } from '../format';
import { fill, useWords } from '../i18n';
import { useQuery } from '../query';
import { setSubscribed, useSubscriptions } from '../subscriptions';
import { Icon } from '../ui/Icon';
import { Failure, Notice } from '../ui/States';
import { CardSkeletons, TitleCard } from '../ui/TitleCard';

// As many as one request may ask for.
const atOnce = 50;

/** The titles the viewer hears about, each with a way to stop. */
export function Following() {
  const { lang, t } = useWords();
  const followed = useSubscriptions();
  const ids = followed.answer?.data.map((entry) => entry.title_id).slice(0, atOnce) ?? [];
  const titles = useQuery(ids.length > 0 ? batch(ids) : null);
  const error = followed.error ?? titles.error;
  const known = titles.answer?.data.filter((title) => ids.includes(title.id));

  return (
    <section className="section" aria-labelledby="following-title">
      <h2 id="following-title">{t.account.subscriptions}</h2>
      {followed.answer && ids.length === 0 ? (
        <Notice icon="bell" title={t.account.noSubscriptions} hint={t.account.noSubscriptionsHint} />
      ) : null}
      {error && !known ? (
        <Failure error={error} retry={followed.error ? followed.retry : titles.retry} />
      ) : null}
      <div className="card-grid">
        {known?.map((title) => (
          <div className="followed" key={title.id}>
            <TitleCard title={title} />
            <button
              type="button"
              className="icon-button"
              aria-label={fill(t.account.unsubscribe, { title: mainName(lang, title.names) })}
              onClick={() => void setSubscribed(title.id, false).catch(() => followed.retry())}
            >
              <Icon name="close" size={16} />
            </button>
          </div>
        ))}
        {known || error || (followed.answer && ids.length === 0) ? null : <CardSkeletons count={6} />}
      </div>
    </section>
  );
}
