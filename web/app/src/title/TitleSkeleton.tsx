import { useWords } from '../i18n';

export function TitleSkeleton() {
  const { t } = useWords();
  return (
    <div className="title" role="status">
      <span className="sr-only">{t.state.loading}</span>
      <div className="title-head" aria-hidden="true">
        <div className="title-poster">
          <span className="poster skeleton" />
        </div>
        <div className="title-info">
          <span className="skeleton skeleton-block" />
          <span className="skeleton skeleton-line" />
          <span className="skeleton skeleton-line" />
          <span className="skeleton skeleton-line short" />
        </div>
      </div>
      <div className="watch" aria-hidden="true">
        <span className="stage skeleton" />
      </div>
    </div>
  );
}
